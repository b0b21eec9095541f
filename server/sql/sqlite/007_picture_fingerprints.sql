-- What a picture looks like, to find duplicates without decoding it again; empty in older rows.
ALTER TABLE picture ADD COLUMN fingerprint BLOB NOT NULL DEFAULT x'';
