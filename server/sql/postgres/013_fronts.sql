-- oldest program: 11
-- What several servers on one database share: the workers, who keeps house, the version of the API
-- keys, and each tenant's rate of new jobs.

CREATE TABLE worker (
  name TEXT COLLATE "C" PRIMARY KEY,
  registration BYTEA NOT NULL,               -- RegisterRequest
  load BYTEA NOT NULL,                       -- WorkerLoad
  register_time BIGINT NOT NULL,             -- store time, as all times here
  seen BIGINT NOT NULL,                      -- of its last call; written every ten seconds
  draining BIGINT NOT NULL DEFAULT 0,
  must_register BIGINT NOT NULL DEFAULT 0    -- 1: was gone while another worker registered
);

-- When a server last kept house: leases that expired while none did are given time again.
CREATE TABLE heartbeat (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  time BIGINT NOT NULL
);
INSERT INTO heartbeat ("only", time) VALUES (1, 0);

-- The time up to which a tenant has used its rate of new jobs.
ALTER TABLE tenant ADD COLUMN submit_time BIGINT NOT NULL DEFAULT 0;

-- Rises with each change of keys or of tenants' states, whichever program makes it.
CREATE TABLE key_version (
  "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
  version BIGINT NOT NULL
);
INSERT INTO key_version ("only", version) VALUES (1, 1);
CREATE FUNCTION raise_key_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE key_version SET version = version + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER key_changed AFTER INSERT OR UPDATE OR DELETE ON api_key
FOR EACH STATEMENT EXECUTE FUNCTION raise_key_version();
CREATE TRIGGER tenant_of_keys_inserted AFTER INSERT ON tenant
FOR EACH ROW WHEN (NEW.create_time IS NOT NULL) EXECUTE FUNCTION raise_key_version();
CREATE TRIGGER tenant_of_keys_updated AFTER UPDATE OF state, create_time ON tenant
FOR EACH STATEMENT EXECUTE FUNCTION raise_key_version();
