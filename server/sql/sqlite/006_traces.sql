-- Which trace a job belongs to: TraceContext, empty without one. And since when it has been in its
-- state: microseconds of wall time.
ALTER TABLE job ADD COLUMN trace BLOB NOT NULL DEFAULT x'';
ALTER TABLE job ADD COLUMN state_time INTEGER NOT NULL DEFAULT 0;
