-- What a tenant may store, what becomes of old rows, and the end of tenants in every table.

-- What an older server left behind of deleted tenants. A starting server removes their files.
DELETE FROM blob_use WHERE tenant IN (SELECT name FROM tenant WHERE state = 'deleted');
DELETE FROM blob WHERE tenant IN (SELECT name FROM tenant WHERE state = 'deleted');

-- The bytes of a tenant's blobs, so that the check of a quota reads one row.
CREATE TABLE blob_total (
  tenant TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO blob_total (tenant, bytes) SELECT tenant, sum(size_bytes) FROM blob GROUP BY tenant;
CREATE TRIGGER blob_total_insert AFTER INSERT ON blob BEGIN
  INSERT INTO blob_total (tenant, bytes) VALUES (NEW.tenant, NEW.size_bytes)
  ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER blob_total_update AFTER UPDATE OF size_bytes ON blob
WHEN NEW.size_bytes <> OLD.size_bytes BEGIN
  UPDATE blob_total SET bytes = bytes + NEW.size_bytes - OLD.size_bytes WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER blob_total_delete AFTER DELETE ON blob BEGIN
  UPDATE blob_total SET bytes = bytes - OLD.size_bytes WHERE tenant = OLD.tenant;
END;

-- When the resource that a request created was deleted: store time, NULL while it exists.
ALTER TABLE request ADD COLUMN gone_time INTEGER;
CREATE INDEX request_resource ON request (tenant, resource);
CREATE INDEX request_gone ON request (gone_time) WHERE gone_time IS NOT NULL;
UPDATE request SET gone_time = CAST(strftime('%s', 'now') AS INTEGER) * 1000000
WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.name = request.resource)
AND NOT EXISTS (SELECT 1 FROM concept WHERE concept.name = request.resource)
AND NOT EXISTS (SELECT 1 FROM adapter WHERE adapter.name = request.resource);

-- Finished jobs by age.
CREATE INDEX job_finished ON job (finish_time) WHERE finish_time IS NOT NULL;

-- 1: the owner of the queued job knows that no worker serves its base model.
ALTER TABLE job ADD COLUMN base_model_missing INTEGER NOT NULL DEFAULT 0;

-- As in 003: nothing is added for a tenant whose deletion has begun. Events and answers need no
-- trigger: the deletion ends all jobs of the tenant, and only a job that waits or runs gets them.
CREATE TRIGGER blob_of_deleted BEFORE INSERT ON blob
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
CREATE TRIGGER blob_use_of_deleted BEFORE INSERT ON blob_use
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
