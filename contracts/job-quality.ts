import { z } from 'zod';
import { atLeast, columnName, columnNames, filledText } from './job-fields.ts';

export const SEVERITIES = ['error', 'warning', 'info'] as const;

const checkSchema = z.strictObject({
  name: filledText().describe('Name of the check in reports and alerts.'),
  type: filledText().optional().describe('Kind of check: uniqueness, range, regex, freshness, ….'),
  field: columnName().optional().describe('Column that is checked.'),
  column: columnName().optional().describe('Column that is checked; the same as field.'),
  columns: columnNames().optional().describe('Columns that are checked together.'),
  min: z.number().optional().describe('Lowest value allowed.'),
  max: z.number().optional().describe('Highest value allowed.'),
  pattern: filledText().optional().describe('Regular expression that values match.'),
  values: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('The only values allowed.'),
  expression: filledText().optional().describe('SQL condition that is true for a good row.'),
  max_age_hours: atLeast(0).optional().describe('Greatest age of the newest value, in hours.'),
  function: filledText().optional().describe('Name of a check function that the project brings along.'),
  description: z.string().optional().describe('What the check is for, in words.'),
  severity: z
    .enum(SEVERITIES)
    .default('error')
    .describe('error blocks the run or puts the row into quarantine; warning and info are reported.'),
});

const checks = () => z.array(checkSchema);

export const CHECK_GROUPS = ['soda', 'great_expectations', 'custom'] as const;

const checkGroupsSchema = z.strictObject({
  soda: checks().optional().describe('Checks in the vocabulary of Soda.'),
  great_expectations: checks().optional().describe('Checks in the vocabulary of Great Expectations.'),
  custom: checks().optional().describe('Checks by functions that the project brings along.'),
});

/** `data_contract`: whether data is held against its contract, and the checks beyond the contract's columns. */
export const dataContractSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('false: neither the contract of asset_path nor the checks are applied.'),
  quality_checks: z
    .union([checks(), checkGroupsSchema])
    .optional()
    .describe('Checks on rows and tables: a list, or lists grouped under soda, great_expectations and custom.'),
});

export type DataContractSpec = z.output<typeof dataContractSchema>;
