-- The tables that docs/init.md speaks of.
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE shop;

CREATE TABLE shops (shop_id INT NOT NULL PRIMARY KEY, place POINT NOT NULL);

CREATE TABLE orders (order_id INT UNSIGNED NOT NULL PRIMARY KEY, customer VARCHAR(100) NOT NULL);

CREATE TABLE order_lines (
  order_id INT UNSIGNED NOT NULL,
  line_no SMALLINT UNSIGNED NOT NULL,
  sku VARCHAR(40) NOT NULL,
  quantity INT NOT NULL DEFAULT 1,
  price DECIMAL(10, 2) NOT NULL,
  state ENUM('open', 'packed', 'sent') NOT NULL DEFAULT 'open',
  note VARCHAR(200) NULL,
  changed_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (order_id, line_no),
  CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders (order_id)
);

INSERT INTO orders VALUES (1, 'Ann'), (2, 'Ben');
INSERT INTO order_lines (order_id, line_no, sku, price) VALUES (1, 1, 'A-1', 9.95), (1, 2, 'A-2', 1.50), (2, 1, 'A-1', 9.95);
