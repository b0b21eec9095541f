-- oldest program: 11
-- Pictures that clients store for their generations, until they expire.
CREATE TABLE uploaded_picture (
  name TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  message BLOB NOT NULL,                     -- UploadedPicture
  expire_time INTEGER NOT NULL               -- microseconds of wall time
) STRICT, WITHOUT ROWID;
CREATE INDEX uploaded_picture_tenant ON uploaded_picture (tenant);
CREATE INDEX uploaded_picture_expired ON uploaded_picture (expire_time);
CREATE TRIGGER uploaded_picture_of_deleted BEFORE INSERT ON uploaded_picture
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant AND state <> 'active')
BEGIN SELECT RAISE(ABORT, 'the tenant is deleted'); END;
-- An older program that erases a tenant does not know the table.
CREATE TRIGGER uploaded_picture_of_erased AFTER UPDATE OF state ON tenant
WHEN NEW.state = 'deleted'
BEGIN DELETE FROM uploaded_picture WHERE tenant = NEW.name; END;
