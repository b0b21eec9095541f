-- oldest program: 11
-- What several servers on one database share: the workers, who keeps house, the version of the API
-- keys, and each tenant's rate of new jobs.

CREATE TABLE worker (
  name TEXT PRIMARY KEY,
  registration BLOB NOT NULL,                -- RegisterRequest
  load BLOB NOT NULL,                        -- WorkerLoad
  register_time INTEGER NOT NULL,            -- store time, as all times here
  seen INTEGER NOT NULL,                     -- of its last call; written every ten seconds
  draining INTEGER NOT NULL DEFAULT 0,
  must_register INTEGER NOT NULL DEFAULT 0   -- 1: was gone while another worker registered
) STRICT, WITHOUT ROWID;

-- When a server last kept house: leases that expired while none did are given time again.
CREATE TABLE heartbeat (
  "only" INTEGER PRIMARY KEY CHECK ("only" = 1),
  time INTEGER NOT NULL
) STRICT;
INSERT INTO heartbeat ("only", time) VALUES (1, 0);

-- The time up to which a tenant has used its rate of new jobs.
ALTER TABLE tenant ADD COLUMN submit_time INTEGER NOT NULL DEFAULT 0;

-- Rises with each change of keys or of tenants' states, whichever program makes it.
CREATE TABLE key_version (
  "only" INTEGER PRIMARY KEY CHECK ("only" = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT INTO key_version ("only", version) VALUES (1, 1);
CREATE TRIGGER key_inserted AFTER INSERT ON api_key
BEGIN UPDATE key_version SET version = version + 1; END;
CREATE TRIGGER key_updated AFTER UPDATE ON api_key
BEGIN UPDATE key_version SET version = version + 1; END;
CREATE TRIGGER key_deleted AFTER DELETE ON api_key
BEGIN UPDATE key_version SET version = version + 1; END;
CREATE TRIGGER tenant_of_keys_inserted AFTER INSERT ON tenant WHEN NEW.create_time IS NOT NULL
BEGIN UPDATE key_version SET version = version + 1; END;
CREATE TRIGGER tenant_of_keys_updated AFTER UPDATE OF state, create_time ON tenant
BEGIN UPDATE key_version SET version = version + 1; END;
