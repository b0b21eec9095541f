-- oldest program: 11
-- Evaluations of adapters and their reports, and trainings that continue others.

ALTER TABLE adapter ADD COLUMN report BLOB;  -- AdapterReport of the newest evaluation; NULL: none yet
-- What the adapter was trained on; NULL for imports. The training itself may be deleted earlier.
ALTER TABLE adapter ADD COLUMN concept TEXT;
UPDATE adapter SET concept = (SELECT job.concept FROM job WHERE job.result_adapter = adapter.name);

-- Succeeded trainings whose newest checkpoint is kept, so that another training can continue them.
CREATE INDEX job_kept ON job (finish_time) WHERE state = 'succeeded' AND length(checkpoints) > 0;

-- A third kind of job. The statements above have changed the version of the schema, so that every
-- connection reads the table's definition again.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (''training'', ''generation'')',
                                       'kind IN (''training'', ''generation'', ''evaluation'')')
WHERE type = 'table' AND name = 'job';
PRAGMA writable_schema = RESET;
