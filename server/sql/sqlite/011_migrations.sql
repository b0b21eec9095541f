-- oldest program: 11
-- Which migrations a database has had from number 11 on, and the oldest program that works with it:
-- the number of the newest migration that this program knows.
CREATE TABLE migration (
  number INTEGER PRIMARY KEY,
  oldest_program INTEGER NOT NULL
) STRICT;
