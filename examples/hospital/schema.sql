-- The tables of a hospital's medication system, as they were before anybody thought of moving them.
-- For MySQL 8 and MariaDB 10.6 or newer:  mysql < examples/hospital/schema.sql

CREATE DATABASE IF NOT EXISTS `hospital` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

USE `hospital`;

CREATE TABLE IF NOT EXISTS medications (
  patient_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  medication_id      BIGINT UNSIGNED NOT NULL,
  encounter_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  payer_id           BINARY(16) NULL COMMENT 'UUID of the insurance',
  status             ENUM('active', 'stopped', 'draft') NOT NULL DEFAULT 'draft',
  code               INT UNSIGNED NOT NULL COMMENT 'RxNorm',
  description        VARCHAR(255) NOT NULL,
  started_at         DATETIME(6) NOT NULL COMMENT 'UTC',
  stopped_at         DATETIME(6) NULL COMMENT 'UTC',
  base_cost          DECIMAL(12, 2) NOT NULL DEFAULT 0.00,
  payer_coverage     DECIMAL(12, 2) NOT NULL DEFAULT 0.00,
  dispenses          INT NOT NULL DEFAULT 0,
  total_cost         DECIMAL(14, 2) NOT NULL DEFAULT 0.00,
  reason_code        BIGINT NULL COMMENT 'SNOMED CT',
  reason_description VARCHAR(255) NULL,
  note               TEXT NULL,
  updated_at         TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (patient_id, medication_id),
  KEY medications_by_encounter (encounter_id),
  KEY medications_by_code (code, started_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS encounters (
  patient_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  encounter_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payer_id           BINARY(16) NULL COMMENT 'UUID of the insurance',
  encounter_class    VARCHAR(20) NOT NULL,
  code               BIGINT NOT NULL COMMENT 'SNOMED CT',
  description        VARCHAR(255) NOT NULL,
  started_at         DATETIME NOT NULL COMMENT 'UTC',
  stopped_at         DATETIME NULL COMMENT 'UTC',
  base_cost          DECIMAL(12, 2) NOT NULL DEFAULT 0.00,
  total_cost         DECIMAL(12, 2) NOT NULL DEFAULT 0.00,
  payer_coverage     DECIMAL(12, 2) NOT NULL DEFAULT 0.00,
  reason_code        BIGINT NULL COMMENT 'SNOMED CT',
  reason_description VARCHAR(255) NULL,
  remark             VARCHAR(500) NULL,
  updated_at         TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (patient_id, encounter_id),
  KEY encounters_by_start (started_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
