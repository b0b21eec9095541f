-- oldest program: 11
-- As sqlite/016_evaluations.sql.
ALTER TABLE adapter ADD COLUMN report BYTEA;
ALTER TABLE adapter ADD COLUMN concept TEXT COLLATE "C";
UPDATE adapter SET concept = (SELECT job.concept FROM job WHERE job.result_adapter = adapter.name);
CREATE INDEX job_kept ON job (finish_time) WHERE state = 'succeeded' AND length(checkpoints) > 0;

ALTER TABLE job DROP CONSTRAINT job_kind_check;
-- The rows that are there meet the earlier, narrower condition.
ALTER TABLE job ADD CONSTRAINT job_kind_check
  CHECK (kind IN ('training', 'generation', 'evaluation')) NOT VALID;
