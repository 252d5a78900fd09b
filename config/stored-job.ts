import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseColumnType } from '../contracts/column-type-names.ts';
import { fail } from '../contracts/errors.ts';
import { objectName, plainName, tableName } from '../contracts/job-fields.ts';
import type { ColumnType, StreamSchema } from '../contracts/schema.ts';
import type { JsonTree } from './json-tree.ts';
import { canonicalJson } from './json-tree.ts';

/** Grows when a stored job can no longer be read as before. */
export const STORED_JOB_FORMAT = 1;

const columnTypeSchema: z.ZodType<ColumnType> = z.lazy(() =>
  z.union([
    z.string().transform((text, context) => {
      const type = parseColumnType(text);
      if (type !== undefined && typeof type === 'string') return type;
      context.addIssue({ code: 'custom', message: 'a column type' });
      return z.NEVER;
    }),
    z.object({ type: z.literal('struct'), fields: z.array(columnSchema) }),
    z.object({ type: z.literal('list'), element: columnTypeSchema, elementRequired: z.boolean() }),
    z.object({ type: z.literal('map'), key: columnTypeSchema, value: columnTypeSchema, valueRequired: z.boolean() }),
  ]),
);

const columnSchema = z
  .object({ name: z.string(), type: columnTypeSchema, required: z.boolean(), doc: z.string().optional() })
  .transform(({ doc, ...column }) => (doc === undefined ? column : { ...column, doc }));

const streamSchema: z.ZodType<StreamSchema> = z.object({
  columns: z.array(columnSchema),
  primaryKey: z.array(z.string()),
});

/**
 * A job as it is kept beside the lake: what runs are started with, by digest. Names are resolved, because they go
 * into workflow ids; the contract is inside, so that a run keeps the one that it began with; everything else in
 * `job` is as the user wrote it, with absolute paths and `${…}` in place.
 */
const storedJobSchema = z.object({
  format: z.literal(STORED_JOB_FORMAT),
  /** Base name of the job file, for messages. */
  name: z.string(),
  /** Absolute folder of the job file. */
  folder: z.string(),
  tenant: plainName(),
  asset: tableName(),
  objects: z.array(objectName()),
  /** By object; absent without a contract. */
  contracts: z.record(z.string(), streamSchema).optional(),
  job: z.record(z.string(), z.json()),
});

export type StoredJob = z.output<typeof storedJobSchema>;

/** Reads a stored job. Throws JOB_DIGEST_MISMATCH for something that is none, or one of another version. */
export function parseStoredJob(json: unknown): StoredJob {
  const parsed = storedJobSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw fail('JOB_DIGEST_MISMATCH', {
    received: 'a stored job that this version of Dativo cannot read',
    expected: `a stored job of format ${STORED_JOB_FORMAT}`,
    next: 'start the run again with the version of Dativo that the workers run',
  });
}

/** The text that a job is stored as. */
export function storedJobText(job: StoredJob): string {
  return canonicalJson(plain(job));
}

/** SHA-256 of the stored text, hexadecimal. */
export function storedJobDigest(job: StoredJob): string {
  return createHash('sha256').update(storedJobText(job)).digest('hex');
}

function plain(job: StoredJob): JsonTree {
  return z.json().parse(JSON.parse(JSON.stringify(job)));
}
