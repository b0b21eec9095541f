-- oldest program: 11
-- As sqlite/017_uploaded_pictures.sql.
CREATE TABLE uploaded_picture (
  name TEXT COLLATE "C" PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  message BYTEA NOT NULL,
  expire_time BIGINT NOT NULL
);
CREATE INDEX uploaded_picture_tenant ON uploaded_picture (tenant);
CREATE INDEX uploaded_picture_expired ON uploaded_picture (expire_time);
CREATE TRIGGER uploaded_picture_of_deleted BEFORE INSERT ON uploaded_picture
  FOR EACH ROW EXECUTE FUNCTION refuse_deleted_tenant();
CREATE FUNCTION delete_uploaded_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM uploaded_picture WHERE tenant = NEW.name;
  RETURN NULL;
END $$;
CREATE TRIGGER uploaded_picture_of_erased AFTER UPDATE OF state ON tenant
  FOR EACH ROW WHEN (NEW.state = 'deleted') EXECUTE FUNCTION delete_uploaded_pictures();
