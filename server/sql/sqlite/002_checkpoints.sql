-- Where a training goes on after its worker was lost: TrainingCheckpoints, empty once the job has ended.
ALTER TABLE job ADD COLUMN checkpoints BLOB NOT NULL DEFAULT x'';
