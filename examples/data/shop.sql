-- A small shop in Postgres, for examples/shop.yaml: createdb shop && psql shop -f examples/data/shop.sql
CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'returned');

CREATE TABLE customers (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL,
  country char(2) NOT NULL,
  tags text[] NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE orders (
  id uuid PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  status order_status NOT NULL,
  amount numeric(12, 2) NOT NULL,
  ordered_on date NOT NULL,
  details jsonb,
  updated_at timestamptz NOT NULL
);

INSERT INTO customers
SELECT i, 'Customer ' || i, 'customer' || i || '@example.com', (ARRAY['DE', 'FR', 'CZ', 'US'])[1 + i % 4],
  ARRAY['tier ' || i % 3], timestamptz '2026-01-01 00:00:00+00' + i * interval '1 minute'
FROM generate_series(1, 500) AS i;

INSERT INTO orders
SELECT md5('order ' || i)::uuid, 1 + i % 500, (enum_range(NULL::order_status))[1 + i % 4], (i * 37 % 100000) / 100.0,
  date '2026-01-01' + i % 90, jsonb_build_object('items', i % 5, 'gift', i % 7 = 0),
  timestamptz '2026-01-01 00:00:00+00' + i * interval '7 seconds'
FROM generate_series(1, 5000) AS i;
