-- Tenants that were made by an operator, their keys, and the end of tenants.

ALTER TABLE tenant ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
  CHECK (state IN ('active', 'deleting', 'deleted'));
ALTER TABLE tenant ADD COLUMN create_time INTEGER;  -- NULL: it came with its first job, without keys

CREATE TABLE api_key (
  id TEXT PRIMARY KEY,                       -- part of the key, and no secret
  tenant TEXT NOT NULL REFERENCES tenant (name),
  role TEXT NOT NULL CHECK (role IN ('user', 'tenant-admin')),
  sha256 TEXT NOT NULL,                      -- of the whole key
  create_time INTEGER NOT NULL,
  revoke_time INTEGER                        -- NULL while it is active
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_tenant ON api_key (tenant, create_time);

-- Which job an answer is about, so that it goes with its tenant. NULL in older rows.
ALTER TABLE finish ADD COLUMN job TEXT;
CREATE INDEX finish_job ON finish (job);

-- A call that was let in before its tenant was deleted leaves nothing behind after it.
CREATE TRIGGER job_of_deleted BEFORE INSERT ON job
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
CREATE TRIGGER concept_of_deleted BEFORE INSERT ON concept
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
CREATE TRIGGER adapter_of_deleted BEFORE INSERT ON adapter
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
CREATE TRIGGER picture_of_deleted BEFORE INSERT ON picture
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
CREATE TRIGGER request_of_deleted BEFORE INSERT ON request
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
CREATE TRIGGER api_key_of_deleted BEFORE INSERT ON api_key
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
