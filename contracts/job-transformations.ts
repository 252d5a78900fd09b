import { z } from 'zod';
import { columnName, columnNames, columnTypeName, filledText, wholeNumber } from './job-fields.ts';

const name = () =>
  filledText()
    .optional()
    .describe('Name of the step in reports and errors. Default: its type and place, such as drop_2.');

const sql = z.strictObject({
  type: z.literal('sql').describe('Adds a column, or replaces the one of that name, with the value of an expression.'),
  name: filledText().describe('Name of the step, and of the column that it writes unless column names another.'),
  column: columnName().optional().describe('Column that the step writes. Default: the name of the step.'),
  expression: filledText().describe("SQL expression over the columns so far, such as coalesce(tags['Team'], 'none')."),
});

const filter = z.strictObject({
  type: z
    .literal('filter')
    .describe('Keeps the rows for which an expression is true; the others are counted as skipped.'),
  name: name(),
  expression: filledText().describe('SQL condition over the columns so far.'),
});

const select = z.strictObject({
  type: z.literal('select').describe('Keeps these columns, in this order.'),
  name: name(),
  columns: columnNames().describe('Names of the columns to keep.'),
});

const drop = z.strictObject({
  type: z.literal('drop').describe('Leaves columns out.'),
  name: name(),
  columns: columnNames().describe('Names of the columns to leave out.'),
});

const rename = z.strictObject({
  type: z.literal('rename').describe('Gives columns new names.'),
  name: name(),
  columns: z.record(columnName(), columnName()).describe('Old name: new name.'),
});

const cast = z.strictObject({
  type: z
    .literal('cast')
    .describe('Changes the types of columns; a value that does not fit sends its row to quarantine.'),
  name: name(),
  columns: z.record(columnName(), columnTypeName()).describe('Name of the column: its new type.'),
});

const hash = z.strictObject({
  type: z.literal('hash').describe('Replaces values by their keyed hash (HMAC-SHA-256, hexadecimal), null stays null.'),
  name: name(),
  columns: columnNames().describe('Names of the columns to hash.'),
  key: filledText().describe('Key of the hash. A secret: write ${VARIABLE} or ${file:path}.'),
});

const mask = z.strictObject({
  type: z.literal('mask').describe('Replaces the characters of values, but for some at the ends, null stays null.'),
  name: name(),
  columns: columnNames().describe('Names of the columns to mask.'),
  keep_first: wholeNumber(0, 1000).default(0).describe('Characters at the start that stay readable, in characters.'),
  keep_last: wholeNumber(0, 1000).default(0).describe('Characters at the end that stay readable, in characters.'),
  character: z
    .string()
    .min(1, { error: 'one character' })
    .max(1, { error: 'one character' })
    .default('*')
    .describe('What is written in place of each hidden character.'),
});

const transformationSchema = z.discriminatedUnion('type', [sql, filter, select, drop, rename, cast, hash, mask]);

/** `transformations`: steps over the rows, in order. */
export const transformationsSchema = z
  .array(transformationSchema)
  .transform((steps) => steps.map((step, index) => nameStep(step, index + 1)));

export type TransformationInput = z.output<typeof transformationSchema>;
/** A step with its name, and for `sql` the column that it writes. */
export type Transformation = z.output<typeof transformationsSchema>[number];
export type TransformationType = Transformation['type'];

function nameStep(step: TransformationInput, place: number) {
  if (step.type === 'sql') return { ...step, column: step.column ?? step.name };
  return { ...step, name: step.name ?? `${step.type}_${place}` };
}
