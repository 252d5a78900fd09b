import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** More files than fit one chunk, so that a run has several. */
const FILES = 210;
const ROWS_PER_FILE = 20;

export interface Expected {
  readonly rows: number;
  readonly quarantined: number;
}

/** Adds a batch of small files with ids of their own; in every 30th file one row cannot be read. */
export async function writeBatch(folder: string, batch: number): Promise<Expected> {
  await mkdir(folder, { recursive: true });
  let rows = 0;
  let quarantined = 0;
  for (let file = 0; file < FILES; file++) {
    const lines = ['id,amount,note'];
    for (let row = 0; row < ROWS_PER_FILE; row++) {
      const id = (batch * FILES + file) * ROWS_PER_FILE + row;
      const bad = row === 7 && file % 30 === 0;
      lines.push(`${id},${bad ? 'not a number' : (id % 997) / 4},order ${id}`);
      if (bad) quarantined++;
      else rows++;
    }
    await writeFile(path.join(folder, `batch-${batch}-${String(file).padStart(4, '0')}.csv`), `${lines.join('\n')}\n`);
  }
  return { rows, quarantined };
}

export async function writeJob(folder: string, asset: string, maxBadRows: number): Promise<string> {
  const file = path.join(folder, 'orders.yaml');
  await writeFile(
    file,
    `source_connector: csv
tenant_id: ${asset}
asset: orders
source:
  path: data/*.csv
  types: { amount: double }
  max_bad_rows: ${maxBadRows}
target: { namespace: shop, warehouse: lake }
`,
  );
  return file;
}
