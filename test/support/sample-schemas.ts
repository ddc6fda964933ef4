/** Small schemas in the manner of well-known sample databases: their habits in keys, types and defaults. */

/** A company's staff: dates and texts in keys. */
export const EMPLOYEES_SQL = `
CREATE TABLE employees (
  emp_no INT NOT NULL, birth_date DATE NOT NULL, first_name VARCHAR(14) NOT NULL, last_name VARCHAR(16) NOT NULL,
  gender ENUM('M','F') NOT NULL, hire_date DATE NOT NULL, PRIMARY KEY (emp_no));
CREATE TABLE departments (dept_no CHAR(4) NOT NULL, dept_name VARCHAR(40) NOT NULL, PRIMARY KEY (dept_no), UNIQUE KEY (dept_name));
CREATE TABLE dept_emp (
  emp_no INT NOT NULL, dept_no CHAR(4) NOT NULL, from_date DATE NOT NULL, to_date DATE NOT NULL,
  FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE,
  FOREIGN KEY (dept_no) REFERENCES departments (dept_no) ON DELETE CASCADE, PRIMARY KEY (emp_no, dept_no));
CREATE TABLE titles (
  emp_no INT NOT NULL, title VARCHAR(50) NOT NULL, from_date DATE NOT NULL, to_date DATE,
  FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE, PRIMARY KEY (emp_no, title, from_date));
CREATE TABLE salaries (
  emp_no INT NOT NULL, salary INT NOT NULL, from_date DATE NOT NULL, to_date DATE NOT NULL,
  FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE, PRIMARY KEY (emp_no, from_date));
CREATE VIEW current_dept_emp AS SELECT emp_no, dept_no FROM dept_emp;
`;

/** A DVD rental: small unsigned numbers, sets, places, and times that the server keeps. */
export const RENTAL_SQL = `
CREATE TABLE actor (
  actor_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT, first_name VARCHAR(45) NOT NULL, last_name VARCHAR(45) NOT NULL,
  last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (actor_id));
CREATE TABLE address (
  address_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT, address VARCHAR(50) NOT NULL, address2 VARCHAR(50) DEFAULT NULL,
  postal_code VARCHAR(10) DEFAULT NULL, location GEOMETRY NOT NULL,
  last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (address_id));
CREATE TABLE film (
  film_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT, title VARCHAR(128) NOT NULL, description TEXT DEFAULT NULL,
  release_year YEAR DEFAULT NULL, rental_duration TINYINT UNSIGNED NOT NULL DEFAULT 3, rental_rate DECIMAL(4,2) NOT NULL DEFAULT 4.99,
  length SMALLINT UNSIGNED DEFAULT NULL, rating ENUM('G','PG','PG-13','R','NC-17') DEFAULT 'G',
  special_features SET('Trailers','Commentaries','Deleted Scenes','Behind the Scenes') DEFAULT NULL,
  last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (film_id));
CREATE TABLE film_actor (
  actor_id SMALLINT UNSIGNED NOT NULL, film_id SMALLINT UNSIGNED NOT NULL,
  last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (actor_id, film_id),
  CONSTRAINT fk_film_actor_actor FOREIGN KEY (actor_id) REFERENCES actor (actor_id) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT fk_film_actor_film FOREIGN KEY (film_id) REFERENCES film (film_id) ON DELETE RESTRICT ON UPDATE CASCADE);
CREATE TABLE staff (
  staff_id TINYINT UNSIGNED NOT NULL AUTO_INCREMENT, first_name VARCHAR(45) NOT NULL, picture BLOB DEFAULT NULL,
  active TINYINT(1) NOT NULL DEFAULT 1, username VARCHAR(16) NOT NULL,
  password VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL, shift TINYINT(1) NOT NULL DEFAULT 0, PRIMARY KEY (staff_id));
CREATE TABLE film_text (film_id SMALLINT NOT NULL, title VARCHAR(255) NOT NULL, PRIMARY KEY (film_id)) ENGINE = MyISAM;
CREATE TABLE inventory (
  store VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, inventory_id INT NOT NULL, bought DATE NOT NULL,
  PRIMARY KEY (store, inventory_id));
SET SESSION sql_mode = '';
INSERT INTO inventory VALUES ('a/b', 1, '2020-02-02'), ('c', 2, '0000-00-00');
INSERT INTO staff (first_name, username, shift) VALUES ('Ann', 'ann', 3);
`;

/** Countries: texts of fixed length as keys, upper case in names. */
export const WORLD_SQL = `
CREATE TABLE country (
  Code CHAR(3) NOT NULL DEFAULT '', Name CHAR(52) NOT NULL DEFAULT '', Continent ENUM('Asia','Europe','North America') NOT NULL DEFAULT 'Asia',
  SurfaceArea DECIMAL(10,2) NOT NULL DEFAULT 0.00, GNPOld DECIMAL(10,2) DEFAULT NULL, PRIMARY KEY (Code));
CREATE TABLE city (
  ID INT NOT NULL AUTO_INCREMENT, Name CHAR(35) NOT NULL DEFAULT '', CountryCode CHAR(3) NOT NULL DEFAULT '',
  Info JSON DEFAULT NULL, PRIMARY KEY (ID));
CREATE TABLE countrylanguage (
  CountryCode CHAR(3) NOT NULL DEFAULT '', Language CHAR(30) NOT NULL DEFAULT '', IsOfficial ENUM('T','F') NOT NULL DEFAULT 'F',
  Percentage DECIMAL(4,1) NOT NULL DEFAULT 0.0, PRIMARY KEY (CountryCode, Language));
`;

/** A shop of models and one of music: camel case, latin1, composite keys of numbers, a table that is nothing but its key. */
export const SHOPS_SQL = `
CREATE TABLE orders (orderNumber INT NOT NULL, orderDate DATE NOT NULL, status VARCHAR(15) NOT NULL, comments TEXT, PRIMARY KEY (orderNumber))
  DEFAULT CHARSET = latin1;
CREATE TABLE orderdetails (
  orderNumber INT NOT NULL, productCode VARCHAR(15) NOT NULL, quantityOrdered INT NOT NULL, priceEach DECIMAL(10,2) NOT NULL,
  orderLineNumber SMALLINT NOT NULL, PRIMARY KEY (orderNumber, productCode),
  CONSTRAINT orderdetails_orders FOREIGN KEY (orderNumber) REFERENCES orders (orderNumber)) DEFAULT CHARSET = latin1;
CREATE TABLE \`Order Details\` (
  OrderID INT NOT NULL, ProductID INT NOT NULL, UnitPrice DECIMAL(10,4) NOT NULL DEFAULT 0, Quantity SMALLINT NOT NULL DEFAULT 1,
  Discount DOUBLE(8,0) NOT NULL DEFAULT 0, Shipped DATETIME NULL COMMENT 'when it left, 出荷 "so"', \`Ship Note\` MEDIUMTEXT,
  Gift TINYINT(1) NOT NULL DEFAULT 0, State ENUM('open','on hold','done') NOT NULL DEFAULT 'open',
  Tags SET('fragile','heavy') NOT NULL DEFAULT '', Total DECIMAL(20,4) GENERATED ALWAYS AS (UnitPrice * Quantity) STORED,
  PRIMARY KEY (OrderID, ProductID),
  CONSTRAINT details_orders FOREIGN KEY (OrderID) REFERENCES orders (orderNumber)) COMMENT = 'What was ordered — line by line';
CREATE TABLE shipments (
  shipmentNumber INT NOT NULL, orderNumber INT NOT NULL, PRIMARY KEY (shipmentNumber),
  CONSTRAINT shipments_orders FOREIGN KEY (orderNumber) REFERENCES orders (orderNumber) ON DELETE CASCADE);
CREATE TABLE PlaylistTrack (PlaylistId INT NOT NULL, TrackId INT NOT NULL, PRIMARY KEY (PlaylistId, TrackId));
`;
