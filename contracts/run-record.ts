import type { Column, StreamSchema } from './schema.ts';

const optional = (name: string, type: Column['type'], doc: string): Column => ({ name, type, required: false, doc });

/** The columns of `_dativo.runs`: one row for each object of each run, written after the object's commit. */
export const RUN_RECORD_SCHEMA: StreamSchema = {
  primaryKey: [],
  columns: [
    optional('run_id', 'string', 'Id of the run: the first execution of its workflow.'),
    optional('tenant', 'string', 'Tenant of the job.'),
    optional('asset', 'string', 'Asset of the job.'),
    optional('object', 'string', 'Object of the job.'),
    optional('table', 'string', 'Table that the object goes to.'),
    optional('state', 'string', 'success, unchanged, failed or cancelled.'),
    optional('mode', 'string', 'incremental, full_refresh or window.'),
    optional('started_at', 'timestamptz', 'When work on the object started.'),
    optional('ended_at', 'timestamptz', 'When work on the object ended.'),
    optional('rows_read', 'long', 'Rows read = committed + quarantined + dead-lettered + skipped.'),
    optional('rows_committed', 'long', 'Rows in the commit.'),
    optional('rows_quarantined', 'long', 'Rows kept aside in the quarantine table.'),
    optional('rows_dead_lettered', 'long', 'Rows of units of work that were given up.'),
    optional(
      'rows_skipped',
      { type: 'map', key: 'string', value: 'long', valueRequired: false },
      'Rows left out by a rule of the job, by the name of the rule.',
    ),
    optional('files', 'long', 'Data files in the commit.'),
    optional('bytes', 'long', 'Bytes of those files.'),
    optional('chunks', 'long', 'Chunks that the work was split into.'),
    optional('snapshot_id', 'long', 'Snapshot that the commit made.'),
    optional('job_digest', 'string', 'SHA-256 of the job that was run.'),
    optional(
      'schema_changes',
      { type: 'list', element: 'string', elementRequired: false },
      'How the table was evolved.',
    ),
    optional('lineage', 'string', 'JSON: for each column of the table, the source columns and steps it comes from.'),
    optional('failure_code', 'string', 'Code of the failure.'),
    optional('failure_message', 'string', 'What was received, what was expected, what to do next.'),
  ],
};
