-- oldest program: 11
-- What clients see and name: labels of jobs, early ends of trainings, pictures by name, thumbnails; and
-- the indexes of what ListJobs and WatchJobs ask.

ALTER TABLE job ADD COLUMN display BLOB NOT NULL DEFAULT x'';  -- Job: display_name and labels only
ALTER TABLE job ADD COLUMN finish_requested INTEGER NOT NULL DEFAULT 0;
-- When UpdateJob or FinishTraining last changed the job: microseconds of wall time, 0: never.
ALTER TABLE job ADD COLUMN update_time INTEGER NOT NULL DEFAULT 0;
CREATE INDEX job_updated ON job (tenant, update_time) WHERE update_time > 0;
CREATE INDEX job_ended ON job (tenant, finish_time) WHERE finish_time IS NOT NULL;
CREATE INDEX job_result ON job (result_adapter) WHERE result_adapter IS NOT NULL;
CREATE INDEX job_created ON job (tenant, create_time);

-- The name of an event's picture within its job: samples/{step}/{prompt}, masks/{step}/{index} or
-- previews/{index}. NULL in events without such a picture and in older rows.
ALTER TABLE event ADD COLUMN picture TEXT;
CREATE INDEX event_picture ON event (job, picture) WHERE picture IS NOT NULL;

-- Thumbnails of stored pictures. Their blobs are named by thumbnails/{source_sha256} in blob_use. With
-- the row of the source both go, and the thumbnail's blob becomes garbage.
CREATE TABLE thumbnail (
  tenant TEXT NOT NULL,
  source_sha256 TEXT NOT NULL,
  side INTEGER NOT NULL,                     -- longest side in pixels
  media_type TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  PRIMARY KEY (tenant, source_sha256, side, media_type)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER thumbnail_of_deleted BEFORE INSERT ON thumbnail
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
CREATE TRIGGER thumbnail_without_source AFTER DELETE ON blob BEGIN
  DELETE FROM blob_use WHERE tenant = OLD.tenant AND "user" = 'thumbnails/' || OLD.sha256;
  DELETE FROM thumbnail WHERE tenant = OLD.tenant AND source_sha256 = OLD.sha256;
END;
