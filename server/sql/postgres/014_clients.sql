-- oldest program: 11
-- As sqlite/014_clients.sql.
ALTER TABLE job ADD COLUMN display BYTEA NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN finish_requested BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN update_time BIGINT NOT NULL DEFAULT 0;
CREATE INDEX job_updated ON job (tenant, update_time) WHERE update_time > 0;
CREATE INDEX job_ended ON job (tenant, finish_time) WHERE finish_time IS NOT NULL;
CREATE INDEX job_result ON job (result_adapter) WHERE result_adapter IS NOT NULL;
CREATE INDEX job_created ON job (tenant, create_time);

ALTER TABLE event ADD COLUMN picture TEXT COLLATE "C";
CREATE INDEX event_picture ON event (job, picture) WHERE picture IS NOT NULL;

CREATE TABLE thumbnail (
  tenant TEXT COLLATE "C" NOT NULL,
  source_sha256 TEXT COLLATE "C" NOT NULL,
  side BIGINT NOT NULL,
  media_type TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  width BIGINT NOT NULL,
  height BIGINT NOT NULL,
  PRIMARY KEY (tenant, source_sha256, side, media_type)
);
CREATE TRIGGER thumbnail_of_deleted BEFORE INSERT ON thumbnail
  FOR EACH ROW EXECUTE FUNCTION refuse_deleted_tenant();
CREATE FUNCTION delete_thumbnails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM blob_use WHERE tenant = OLD.tenant AND "user" = 'thumbnails/' || OLD.sha256;
  DELETE FROM thumbnail WHERE tenant = OLD.tenant AND source_sha256 = OLD.sha256;
  RETURN NULL;
END $$;
CREATE TRIGGER thumbnail_without_source AFTER DELETE ON blob
  FOR EACH ROW EXECUTE FUNCTION delete_thumbnails();
