-- A small shop, for docs/tutorial.md: 2,000 orders with 20,000 lines. `npm run stack -- --sql examples/shop/shop.sql` runs it.
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE shop;

CREATE TABLE orders (
  order_id INT UNSIGNED NOT NULL PRIMARY KEY,
  customer VARCHAR(100) NOT NULL,
  ordered_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
) COMMENT 'What customers have ordered.';

CREATE TABLE order_lines (
  order_id INT UNSIGNED NOT NULL,
  line_no SMALLINT UNSIGNED NOT NULL,
  sku VARCHAR(40) NOT NULL COMMENT 'The article.',
  quantity INT NOT NULL DEFAULT 1,
  price DECIMAL(10, 2) NOT NULL COMMENT 'Of one piece, in euros.',
  state ENUM('open', 'packed', 'sent') NOT NULL DEFAULT 'open',
  note VARCHAR(200) NULL,
  changed_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (order_id, line_no)
) COMMENT 'The lines of an order.';

-- A place that no field of the API can carry: `crossfade init` refuses the table, and says why.
CREATE TABLE branches (
  branch_id INT NOT NULL PRIMARY KEY,
  place POINT NOT NULL
);

SET cte_max_recursion_depth = 20000;

INSERT INTO orders (order_id, customer)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
SELECT n, CONCAT('customer ', n % 300) FROM numbers;

INSERT INTO order_lines (order_id, line_no, sku, quantity, price, state, note)
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 19999)
SELECT n DIV 10 + 1, n % 10 + 1, CONCAT('A-', 1000 + n % 700), 1 + n % 4, (100 + n % 9900) / 100,
  ELT(1 + n % 3, 'open', 'packed', 'sent'), IF(n % 5 = 0, CONCAT('gift ', n), NULL)
FROM numbers;
