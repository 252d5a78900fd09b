import type { MariaDbServer } from '../../test/support/mariadb.ts';

/** A table of 14 columns, as orders are: numbers, texts, dates and times, a flag, bytes, and a fifth of the notes missing. */
export async function createOrders(server: MariaDbServer, rows: number): Promise<string> {
  const url = await server.database();
  await server.run(
    `CREATE TABLE orders (
       id bigint PRIMARY KEY, customer_id int NOT NULL, status varchar(20), amount decimal(12,2), price double,
       quantity smallint, is_paid tinyint(1), order_date date, created_at datetime(6), updated_at timestamp(3),
       sku char(10), note text, country char(2), reference binary(8)
     ) CHARACTER SET utf8mb4;
     SET time_zone = '+00:00';
     INSERT INTO orders SELECT seq, seq * 7919 % 100000, ELT(1 + seq % 4, 'new', 'paid', 'sent', 'done'),
       seq % 100000 / 100, seq / 7, seq % 100, seq % 2, DATE '2020-01-01' + INTERVAL seq % 1500 DAY,
       TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 7 SECOND + INTERVAL seq % 1000000 MICROSECOND,
       TIMESTAMP '2021-01-01 00:00:00' + INTERVAL seq SECOND, LPAD(seq % 99999, 10, 's'),
       IF(seq % 5 = 0, NULL, CONCAT('note number ', seq, ' for the order, "quoted", with a comma')),
       ELT(1 + seq % 3, 'DE', 'FR', 'IT'), UNHEX(LPAD(HEX(seq), 16, '0'))
     FROM seq_1_to_${rows}; ANALYZE TABLE orders`,
    new URL(url).pathname.slice(1),
  );
  return url;
}
