-- Run once by the MySQL image, after it has made the schema `hospital` and the user `crossfade` with all rights to it.
-- What the service needs besides: its own schema, and the binary log.
CREATE DATABASE IF NOT EXISTS crossfade;
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, CREATE ROUTINE, ALTER ROUTINE, EXECUTE ON crossfade.* TO 'crossfade'@'%';
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'crossfade'@'%';
