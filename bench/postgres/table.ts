import type { PostgresServer } from '../../test/support/postgres.ts';

/** A table of 14 columns, as orders are: numbers, texts, dates and times, a flag, a UUID, and a third of the notes missing. */
export async function createOrders(server: PostgresServer, rows: number): Promise<string> {
  const url = await server.database();
  const database = databaseOf(url);
  await server.run(
    `CREATE TABLE orders (
       id bigint PRIMARY KEY, customer_id int NOT NULL, reference uuid, status text, email text, note text,
       amount numeric(12, 2), tax numeric(10, 4), quantity int, price double precision, created_at timestamptz,
       updated_at timestamp NOT NULL, ordered_on date, is_paid boolean
     );
     INSERT INTO orders SELECT i, i * 7919 % 100000, md5(i::text)::uuid, (ARRAY['new', 'paid', 'sent', 'done'])[1 + i % 4],
       'user' || i % 50000 || '@example.com',
       CASE WHEN i % 3 > 0 THEN 'note number ' || i || ' for the order, "quoted", with a comma' END,
       i % 1000000 / 100.0, i % 1000 / 7.0, i % 20, i * 1.1, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 second',
       timestamp '2024-01-01' + i * interval '1 second', date '2024-01-01' + (i % 1000)::int, i % 2 = 0
     FROM generate_series(1, ${rows}::bigint) AS i;
     CREATE INDEX ON orders (updated_at)`,
    database,
  );
  await server.run('VACUUM ANALYZE orders', database);
  return url;
}

export function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
