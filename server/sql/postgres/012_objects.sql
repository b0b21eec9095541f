-- oldest program: 12
-- As sqlite/012_objects.sql.
ALTER TABLE blob ADD COLUMN object_key TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE blob SET object_key = tenant || '/' || substr(sha256, 1, 2) || '/' || sha256;

CREATE TABLE dead_object (
  object_key TEXT COLLATE "C" PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  remove_after BIGINT NOT NULL,
  claimed BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX dead_object_due ON dead_object (remove_after);

INSERT INTO dead_object (object_key, tenant, remove_after)
SELECT object_key, tenant, 0 FROM blob WHERE state = 'deleting';
DELETE FROM blob WHERE state = 'deleting';

CREATE TABLE reconciliation (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  time BIGINT NOT NULL
);
