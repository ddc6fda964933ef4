import { MAX_KEY_BYTES } from '../../domain/key.ts';

/**
 * The tables that Crossfade keeps in MySQL, in a schema of its own beside the user's tables, which stay as they are.
 * `version` is what docs/protocol.md calls the side table.
 */
export const controlTables = [
  `CREATE TABLE IF NOT EXISTS crossfade_control (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    epoch INT UNSIGNED NOT NULL,
    authority ENUM('source','target') CHARACTER SET ascii NOT NULL,
    floor BIGINT UNSIGNED NOT NULL,
    attach INT UNSIGNED NOT NULL,
    state ENUM('detached','syncing','joining','in_sync','leaving','handing_over','moved') CHARACTER SET ascii NOT NULL,
    generation INT UNSIGNED NOT NULL,
    copied_attach INT UNSIGNED NOT NULL,
    attempt VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_place (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    source VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    target VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_history (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    generation INT UNSIGNED NOT NULL,
    at_micros BIGINT UNSIGNED NOT NULL,
    from_state VARCHAR(16) CHARACTER SET ascii NOT NULL,
    to_state VARCHAR(16) CHARACTER SET ascii NOT NULL,
    instance VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    epoch INT UNSIGNED NOT NULL DEFAULT 1,
    authority ENUM('source','target') CHARACTER SET ascii NOT NULL DEFAULT 'source',
    PRIMARY KEY (resource, generation)
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_heartbeat (
    incarnation CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    instance VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    beat BIGINT UNSIGNED NOT NULL,
    seen TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    dead BOOLEAN NOT NULL,
    beat_at DATETIME(6) NOT NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_version (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    \`key\` VARBINARY(${MAX_KEY_BYTES}) NOT NULL,
    version BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (resource, \`key\`)
  ) ENGINE=InnoDB`,
  // Beside the side table, not in it: an ALTER of a table that capture reads stops every capture that is running.
  `CREATE TABLE IF NOT EXISTS crossfade_request (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    \`key\` VARBINARY(${MAX_KEY_BYTES}) NOT NULL,
    version BIGINT UNSIGNED NOT NULL,
    requests VARBINARY(1024) NOT NULL,
    PRIMARY KEY (resource, \`key\`)
  ) ENGINE=InnoDB`,
  // Wider than any key: what comes after the greatest BIGINT UNSIGNED is kept too.
  `CREATE TABLE IF NOT EXISTS crossfade_sequence (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    next DECIMAL(30,0) NOT NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_checkpoint (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    epoch INT UNSIGNED NOT NULL,
    attach INT UNSIGNED NOT NULL,
    position MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    definition_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    begun BOOLEAN NOT NULL,
    written_at DATETIME(6) NOT NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_barrier (
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    met BOOLEAN NOT NULL,
    requested_at DATETIME(6) NOT NULL,
    PRIMARY KEY (resource, id),
    KEY requested (requested_at)
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_task (
    task VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    owner VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    leased_until DATETIME(6) NOT NULL,
    status TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_job (
    id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind ENUM('backfill','verification') CHARACTER SET ascii NOT NULL,
    state ENUM('running','succeeded','failed','cancelled') CHARACTER SET ascii NOT NULL,
    stage ENUM('planning','source','follower','done') CHARACTER SET ascii NOT NULL,
    attach INT UNSIGNED NOT NULL,
    compare_with_itself BOOLEAN NOT NULL,
    rows_per_second_limit BIGINT UNSIGNED NOT NULL,
    expected_rows BIGINT UNSIGNED NOT NULL,
    created_at_micros BIGINT UNSIGNED NOT NULL,
    ended_at_micros BIGINT UNSIGNED NULL,
    error VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    KEY newest (resource, id)
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_chunk (
    job_id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stage ENUM('source','follower') CHARACTER SET ascii NOT NULL,
    sequence INT UNSIGNED NOT NULL,
    \`range\` VARCHAR(8192) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    expected_rows BIGINT UNSIGNED NOT NULL,
    \`cursor\` VARCHAR(4096) CHARACTER SET ascii COLLATE ascii_bin NULL,
    row_count BIGINT UNSIGNED NOT NULL,
    mismatches BIGINT UNSIGNED NOT NULL,
    done BOOLEAN NOT NULL,
    owner VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    leased_until DATETIME(6) NULL,
    PRIMARY KEY (job_id, stage, sequence)
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS crossfade_mismatch (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    resource VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    \`key\` VARBINARY(${MAX_KEY_BYTES}) NOT NULL,
    kind ENUM('different','missing_in_follower','extra_in_follower','missing_in_index') CHARACTER SET ascii NOT NULL,
    field_paths TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    found_by ENUM('verification','shadow_read','capture') CHARACTER SET ascii NOT NULL,
    created_at_micros BIGINT UNSIGNED NOT NULL,
    open BOOLEAN NOT NULL,
    KEY open_of_resource (resource, open, id),
    KEY of_key (resource, \`key\`(255))
  ) ENGINE=InnoDB`,
] as const;

/**
 * Columns that tables of {@link controlTables} got after they were first made. Their defaults are what the rows from before
 * mean, and what an instance of an earlier version, which does not name them, still writes.
 */
export const addedColumns = [
  { table: 'crossfade_history', column: 'epoch', definition: 'INT UNSIGNED NOT NULL DEFAULT 1' },
  {
    table: 'crossfade_history',
    column: 'authority',
    definition: "ENUM('source','target') CHARACTER SET ascii NOT NULL DEFAULT 'source'",
  },
] as const;

/**
 * Columns whose values became more after they were first made. `value` is the one that tells whether that was done. New values come
 * last, so that nothing is rewritten, and an instance of an earlier version goes on with the others.
 */
export const widenedColumns = [
  {
    table: 'crossfade_mismatch',
    column: 'found_by',
    value: "'capture'",
    definition: "ENUM('verification','shadow_read','capture') CHARACTER SET ascii NOT NULL",
  },
  {
    table: 'crossfade_mismatch',
    column: 'kind',
    value: "'missing_in_index'",
    definition:
      "ENUM('different','missing_in_follower','extra_in_follower','missing_in_index') CHARACTER SET ascii NOT NULL",
  },
] as const;
