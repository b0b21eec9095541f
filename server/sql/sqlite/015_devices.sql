-- oldest program: 11
-- The devices that a worker must have for the job.
ALTER TABLE job ADD COLUMN devices INTEGER NOT NULL DEFAULT 1;
