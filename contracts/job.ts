import { z } from 'zod';
import { DEFAULT_TENANT } from './ids.ts';
import { complianceSchema } from './job-compliance.ts';
import { TARGET_CONNECTORS } from './job-connectors.ts';
import { location, plainName, tableName } from './job-fields.ts';
import { maintenanceSchema } from './job-maintenance.ts';
import { alertRulesSchema } from './job-operations.ts';
import { dataContractSchema } from './job-quality.ts';
import { scheduleSchema } from './job-schedule.ts';
import { sourceSchema } from './job-source.ts';
import { targetSchema } from './job-target.ts';
import { transformationsSchema } from './job-transformations.ts';

export const SCHEMA_MODES = ['strict', 'warn'] as const;
export type SchemaMode = (typeof SCHEMA_MODES)[number];

/**
 * A job file: every key with its meaning, unit, default and limits. The JSON Schema for editors and the reference
 * page are generated from it.
 */
export const jobSchema = z.strictObject({
  tenant_id: plainName().default(DEFAULT_TENANT).describe('Tenant that the job and its tables belong to.'),
  source_connector: plainName()
    .optional()
    .describe('System that rows come from: csv, postgres, mysql, stripe, …. Needed by every job that brings in data.'),
  target_connector: z
    .enum(TARGET_CONNECTORS)
    .default('iceberg')
    .describe('System that rows go to: Iceberg tables, or Parquet files in a plain folder.'),
  asset: tableName()
    .optional()
    .describe('Name of the table that the job fills. Default: the name of the job file in snake case.'),
  asset_path: location()
    .optional()
    .describe('Data contract (ODCS v3.0.2) with the columns, relative to the job file. Default: columns are inferred.'),
  schema_mode: z
    .enum(SCHEMA_MODES)
    .optional()
    .describe(
      'What happens when columns change. strict refuses the run; warn evolves the table and puts rows that no longer ' +
        'fit into quarantine. Default: strict with a contract, warn without.',
    ),
  source: sourceSchema.prefault({}).describe('Where rows come from, and how they are read.'),
  target: targetSchema.prefault({}).describe('Where rows go, and how they are stored.'),
  data_contract: dataContractSchema.prefault({}).describe('How data is held against its contract.'),
  transformations: transformationsSchema
    .prefault([])
    .describe('Steps over the rows between source and target, in order.'),
  schedule: scheduleSchema.optional().describe('When the job runs by itself.'),
  maintenance: maintenanceSchema
    .optional()
    .describe(
      'How the tables of the job are kept healthy: `dativo apply` gives each a schedule of its own. Left out, the tables ' +
        'of a job with `schedule` are maintained by the defaults, others are not.',
    ),
  alert_rules: alertRulesSchema.optional().describe('Who is told what after a run.'),
  compliance: complianceSchema.optional().describe('How requests of data subjects are answered.'),
});

/** A job with its defaults filled in and its variables resolved. */
export type JobSpec = z.output<typeof jobSchema>;
export type JobSection = keyof JobSpec;
