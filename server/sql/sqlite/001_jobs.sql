-- Jobs with their events and leases; concepts, adapters and base models; request ids.
-- Times that people see are microseconds of wall time. `lease_until` and `not_before` are
-- microseconds of the server's uptime clock and are reset when a server starts.
-- Specs, events and the like are serialized messages of proto/vico/v1.

-- Who has jobs. `turn` rises with each lease: the lowest has the next one.
CREATE TABLE tenant (
  name TEXT PRIMARY KEY,
  turn INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX tenant_turn ON tenant (turn, name);

CREATE TABLE job (
  number INTEGER PRIMARY KEY AUTOINCREMENT,  -- by age
  name TEXT NOT NULL UNIQUE,                 -- jobs/{id}
  tenant TEXT NOT NULL REFERENCES tenant (name),
  kind TEXT NOT NULL CHECK (kind IN ('training', 'generation')),
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  base_model TEXT NOT NULL,
  concept TEXT,                              -- what the spec names, if anything
  adapter TEXT,
  spec BLOB NOT NULL,                        -- JobSpec
  create_time INTEGER NOT NULL,

  attempt INTEGER NOT NULL,                  -- the fence: rises with each lease
  failures INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  lease_id TEXT UNIQUE,
  lease_worker TEXT,
  lease_nonce TEXT,
  lease_until INTEGER,
  report_number INTEGER NOT NULL,            -- of this lease's newest report
  base_model_digest TEXT,                    -- as leased
  step INTEGER NOT NULL,
  total_steps INTEGER NOT NULL,
  start_time INTEGER,
  finish_time INTEGER,
  last_sequence INTEGER NOT NULL,
  result_adapter TEXT,                       -- adapters/{id}
  pictures BLOB NOT NULL,                    -- GenerateResult
  error BLOB,                                -- google.rpc.Status
  CHECK ((state = 'running') = (lease_id IS NOT NULL)),
  CHECK ((state = 'running') = (lease_until IS NOT NULL))
) STRICT;
CREATE INDEX job_queue ON job (tenant, number) WHERE state = 'queued';
CREATE INDEX job_lease ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_list ON job (tenant, number);
CREATE INDEX job_concept ON job (concept) WHERE concept IS NOT NULL;
CREATE INDEX job_adapter ON job (adapter) WHERE adapter IS NOT NULL;

CREATE TABLE event (
  job INTEGER NOT NULL REFERENCES job (number),
  sequence INTEGER NOT NULL,
  event BLOB NOT NULL,                       -- Event
  PRIMARY KEY (job, sequence)
) STRICT, WITHOUT ROWID;

-- The first answer to each Finish, for when its reply was lost.
CREATE TABLE finish (
  lease_id TEXT PRIMARY KEY,
  content_sha256 TEXT NOT NULL,
  answer BLOB NOT NULL                       -- Job
) STRICT, WITHOUT ROWID;

-- What each creating call made.
CREATE TABLE request (
  tenant TEXT NOT NULL,
  request_id TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  resource TEXT NOT NULL,
  PRIMARY KEY (tenant, request_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE concept (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,                 -- concepts/{id}
  tenant TEXT NOT NULL,
  message BLOB NOT NULL                      -- Concept
) STRICT;
CREATE INDEX concept_list ON concept (tenant, number);

CREATE TABLE adapter (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,                 -- adapters/{id}
  tenant TEXT NOT NULL,
  message BLOB NOT NULL                      -- Adapter
) STRICT;
CREATE INDEX adapter_list ON adapter (tenant, number);

-- Uploaded pictures by the digest of the bytes that came.
CREATE TABLE picture (
  tenant TEXT NOT NULL,
  source_sha256 TEXT NOT NULL,
  message BLOB NOT NULL,                     -- ConceptPicture
  PRIMARY KEY (tenant, source_sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE base_model (
  name TEXT PRIMARY KEY,                     -- baseModels/{id}
  digest TEXT NOT NULL,
  message BLOB NOT NULL                      -- OfferedBaseModel
) STRICT, WITHOUT ROWID;
