import type { Column, StreamSchema } from './schema.ts';

const optional = (name: string, type: Column['type'], doc: string): Column => ({ name, type, required: false, doc });

/** The columns of `_dativo.maintenance`: one row for each step that had something to do. */
export const MAINTENANCE_RECORD_SCHEMA: StreamSchema = {
  primaryKey: [],
  columns: [
    optional('run_id', 'string', 'Id of the maintenance: the first execution of its workflow.'),
    optional('tenant', 'string', 'Tenant of the table.'),
    optional('table', 'string', 'Table, with its namespace.'),
    optional('step', 'string', 'compact, rewrite_manifests, expire, remove_orphans or clean_metadata.'),
    optional('state', 'string', 'done, refused or failed.'),
    optional('started_at', 'timestamptz', 'When the maintenance started.'),
    optional('ended_at', 'timestamptz', 'When its last step ended.'),
    optional('measure', 'string', 'What the figures count.'),
    optional('files_before', 'long', 'Files before the step.'),
    optional('bytes_before', 'long', 'Their bytes.'),
    optional('files_after', 'long', 'Files after it.'),
    optional('bytes_after', 'long', 'Their bytes.'),
    optional('notes', { type: 'list', element: 'string', elementRequired: false }, 'What it did, in plain words.'),
    optional('failure_code', 'string', 'Code of the failure.'),
    optional('failure_message', 'string', 'What was received, what was expected, what to do next.'),
  ],
};
