import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { jobJsonSchema } from '../../config/json-schema.ts';
import { unwrap } from '../../config/schema-walk.ts';
import { generatedFiles } from '../../config/write-reference.ts';
import { jobSchema } from '../../contracts/job.ts';

const ROOT = path.join(import.meta.dirname, '../..');

test.each([...generatedFiles()])('%s is up to date (else: node config/write-reference.ts)', async (file, content) => {
  expect(await readFile(path.join(ROOT, file), 'utf8')).toBe(content);
});

/** Paths of fields without a description, through every section and list. */
function undescribed(schema: z.core.$ZodType, at: string): string[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return undescribed(inner.element, `${at}[]`);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => undescribed(option, at));
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([key, child]) => {
    const place = at === '' ? key : `${at}.${key}`;
    const missing = child instanceof z.ZodType && child.description ? [] : [place];
    return [...missing, ...undescribed(child, place)];
  });
}

test('every field of a job file says what it means', () => {
  expect(undescribed(jobSchema, '')).toEqual([]);
});

test('the JSON Schema takes a variable where a number, a truth value or one of a list of texts is expected', () => {
  const source = z.object({
    properties: z.object({ source: z.object({ properties: z.record(z.string(), z.json()) }) }),
  });
  const { max_bad_rows, header, compression } = source.parse(jobJsonSchema()).properties.source.properties;
  const template = { type: 'string', pattern: '\\$\\{' };
  expect(max_bad_rows).toMatchObject({ default: 1000, anyOf: [{ type: 'integer', minimum: 0 }, template] });
  expect(header).toMatchObject({ anyOf: [{ type: 'boolean' }, template] });
  expect(compression).toMatchObject({ default: 'auto', anyOf: [{ enum: ['auto', 'none', 'gzip', 'zstd'] }, template] });
});
