import { z } from 'zod';
import type { RejectedRow } from '../connector.ts';
import type { Watcher } from './byte-stream.ts';
import { readBytes } from './byte-stream.ts';
import { parseRecords } from './dialect.ts';
import { decoded } from './normalise.ts';
import type { CsvPosition } from './plan.ts';
import type { CsvFormat } from './sniff.ts';
import type { SplitRecord } from './split.ts';
import { splitRecords } from './split.ts';

/** A row that the gate put aside, and how to know it again among the records of its file. */
interface Wanted {
  readonly index: number;
  /** Place of one of its fields, and its text; null for a null. */
  readonly field: number;
  readonly text: string | null;
  /** All of its fields that the relation has. */
  readonly key: string;
}

const rowSchema = z.record(z.string(), z.string().nullable());

/**
 * Finds the rows that were put aside for what they hold again in their files, and gives them the line and the text
 * that they have there. One pass over each file that has such rows, up to the last of them. A row that stands in a
 * file twice is put aside twice, so equal rows get their lines in order.
 */
export async function locateRows(
  rows: readonly RejectedRow[],
  { layouts, format }: CsvPosition,
  watcher: Watcher,
): Promise<RejectedRow[]> {
  const located = [...rows];
  for (const { columns, files } of layouts) {
    for (const file of files) {
      const search = new Search(columns, format);
      rows.forEach((row, index) => {
        if (row.sourceFile === file.path) search.add(row, index);
      });
      if (search.left === 0) continue;
      const pieces = decoded(readBytes(file.path, file.compression, watcher), file.encoding);
      for await (const record of splitRecords(pieces, format)) {
        const index = search.match(record);
        const row = index === undefined ? undefined : located[index];
        if (index === undefined || row === undefined) continue;
        located[index] = { ...row, line: record.line, raw: record.bytes.toString('utf8') };
        if (search.left === 0) break;
      }
    }
  }
  return located;
}

/** A row that is no JSON object of texts is one that cannot be found again; what it holds must not reach an error. */
function parseRow(raw: string): ReadonlyMap<string, string | null> {
  try {
    const row = rowSchema.safeParse(JSON.parse(raw));
    return new Map(row.success ? Object.entries(row.data) : []);
  } catch {
    return new Map();
  }
}

class Search {
  readonly #columns: readonly string[];
  readonly #format: CsvFormat;
  /** Texts to look for, by the place of their field: what most records are told apart by. */
  readonly #texts = new Map<number, Set<string | null>>();
  readonly #rows = new Map<string, Wanted[]>();
  /** Places of the fields that the relation's rows have. */
  #fields: readonly number[] = [];
  #left = 0;

  constructor(columns: readonly string[], format: CsvFormat) {
    this.#columns = columns;
    this.#format = format;
  }

  get left(): number {
    return this.#left;
  }

  add({ raw, column }: RejectedRow, index: number): void {
    const row = parseRow(raw);
    this.#fields = this.#columns.flatMap((name, place) => (row.has(name) ? [place] : []));
    const field = this.#fields.find((place) => this.#columns[place] === column) ?? this.#fields[0];
    if (field === undefined) return;
    const text = row.get(this.#columns[field] ?? '') ?? null;
    const texts = this.#texts.get(field) ?? new Set();
    this.#texts.set(field, texts.add(text));
    const key = JSON.stringify(this.#fields.map((place) => row.get(this.#columns[place] ?? '') ?? null));
    this.#rows.set(key, [...(this.#rows.get(key) ?? []), { index, field, text, key }]);
    this.#left++;
  }

  /** The row that a record is, if it is one that is looked for. */
  match({ bytes, problem }: SplitRecord): number | undefined {
    if (problem !== undefined) return undefined;
    const [record] = parseRecords(bytes.toString('utf8'), this.#format, 1);
    const nulls = this.#format.nullsInText;
    const texts = (record ?? []).map(({ text, quoted }) => (!quoted && nulls.includes(text) ? null : text));
    let candidate = false;
    for (const [field, wanted] of this.#texts) candidate ||= wanted.has(texts[field] ?? null);
    if (!candidate) return undefined;
    const key = JSON.stringify(this.#fields.map((place) => texts[place] ?? null));
    const found = this.#rows.get(key)?.shift();
    if (found !== undefined) this.#left--;
    return found?.index;
  }
}
