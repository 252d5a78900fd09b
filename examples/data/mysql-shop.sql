-- A small shop in MySQL or MariaDB, for examples/mysql-shop.yaml:
--   mysql -e 'CREATE DATABASE shop' && mysql shop < examples/data/mysql-shop.sql
SET NAMES utf8mb4;
SET time_zone = '+00:00';

CREATE TABLE items (
  id int unsigned PRIMARY KEY,
  name varchar(60) CHARACTER SET utf8mb4 NOT NULL,
  price decimal(10, 2) NOT NULL,
  sizes set('S', 'M', 'L') NOT NULL,
  on_sale tinyint(1) NOT NULL,
  updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  INDEX (updated_at)
);

CREATE TABLE sales (
  shop_id smallint NOT NULL,
  number bigint unsigned NOT NULL,
  item_id int unsigned NOT NULL REFERENCES items (id),
  quantity int NOT NULL,
  state enum('new', 'paid', 'returned') NOT NULL,
  sold_at datetime(3) NOT NULL,
  details json,
  updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (shop_id, number),
  INDEX (updated_at)
);

CREATE TEMPORARY TABLE digits (d int);
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE TEMPORARY TABLE tens AS SELECT d * 10 AS d FROM digits;
CREATE TEMPORARY TABLE hundreds AS SELECT d * 100 AS d FROM digits;

INSERT INTO items
SELECT n, CONCAT('Item № ', n), n * 37 % 1000 / 10, 1 + n % 7, n % 3 = 0, TIMESTAMP('2026-01-01') + INTERVAL n MINUTE
FROM (SELECT digits.d + tens.d AS n FROM digits, tens) AS numbers;

INSERT INTO sales
SELECT 1 + n % 3, n, n * 7 % 100, 1 + n % 5, 1 + n % 3, TIMESTAMP('2026-01-01') + INTERVAL n * 1234567 MICROSECOND,
  IF(n % 4 = 0, NULL, JSON_OBJECT('gift', n % 7 = 0)), TIMESTAMP('2026-01-01') + INTERVAL n * 7 SECOND
FROM (SELECT digits.d + tens.d + hundreds.d AS n FROM digits, tens, hundreds) AS numbers;
