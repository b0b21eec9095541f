-- Positions in the queue without reading the rows of the jobs; the server's own secrets; the row that
-- the readiness check writes.
CREATE INDEX job_order ON job (number) WHERE state = 'queued';

CREATE TABLE secret (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- The key of page tokens.
INSERT INTO secret (name, value) VALUES ('page_tokens', randomblob(32));

CREATE TABLE readiness (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  time INTEGER NOT NULL                      -- microseconds of wall time of the newest check
) STRICT;
