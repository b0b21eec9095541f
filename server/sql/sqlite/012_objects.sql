-- oldest program: 12
-- Where the bytes of a blob are: the key of an object, which is never used for another one. And the
-- objects that no blob names, until they are removed: `remove_after` is store time; `claimed` is 1
-- once a collector is about to remove the object, after which no upload may name it.
ALTER TABLE blob ADD COLUMN object_key TEXT NOT NULL DEFAULT '';
UPDATE blob SET object_key = tenant || '/' || substr(sha256, 1, 2) || '/' || sha256;

CREATE TABLE dead_object (
  object_key TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  remove_after INTEGER NOT NULL,
  claimed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_object_due ON dead_object (remove_after);

-- Deletions that an older server had begun.
INSERT INTO dead_object (object_key, tenant, remove_after)
SELECT object_key, tenant, 0 FROM blob WHERE state = 'deleting';
DELETE FROM blob WHERE state = 'deleting';

-- When the objects and the rows of a remote store were last compared: store time.
CREATE TABLE reconciliation (
  "only" INTEGER PRIMARY KEY CHECK ("only" = 1),
  time INTEGER NOT NULL
) STRICT;
