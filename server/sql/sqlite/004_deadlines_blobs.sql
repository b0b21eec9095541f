-- How long a job may wait and last; blobs as rows, with what names them.
-- "Steady time" is microseconds of the wall time at which the server started plus its uptime since:
-- a wall clock that is set meanwhile decides nothing.

ALTER TABLE job ADD COLUMN queue_until INTEGER NOT NULL DEFAULT 0;  -- steady time; while queued
ALTER TABLE job ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0;     -- steady time; of the whole job
UPDATE job SET queue_until = create_time + 86400000000, deadline = create_time + 259200000000;
CREATE INDEX job_waiting ON job (queue_until) WHERE state = 'queued';
CREATE INDEX job_running ON job (tenant, kind) WHERE state = 'running';

-- One row a stored blob. Naming a blob and giving it up for deletion both change or look at its row
-- in a transaction, so one of them comes first. The file goes only after `deleting` is durable.
CREATE TABLE blob (
  tenant TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'deleting')),
  time INTEGER NOT NULL,                     -- steady time: when it was last put, or lost a name
  PRIMARY KEY (tenant, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_age ON blob (state, time);

-- Which blobs a concept, adapter, job or base model names.
CREATE TABLE blob_use (
  tenant TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  user TEXT NOT NULL,                        -- resource name, as concepts/{id}
  PRIMARY KEY (tenant, sha256, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_use_user ON blob_use (user, tenant);

-- How far the scrubber is: the last blob it has read, and when this round began (steady time).
CREATE TABLE scrub (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  began INTEGER NOT NULL,
  ended INTEGER NOT NULL,                    -- 1: the round is through
  tenant TEXT NOT NULL,
  sha256 TEXT NOT NULL
) STRICT;
