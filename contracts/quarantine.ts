import type { StreamSchema } from './schema.ts';

/** The columns of every `<table>__quarantine`: the row as it was read, where it stood, and why it was kept aside. */
export const QUARANTINE_SCHEMA: StreamSchema = {
  primaryKey: [],
  columns: [
    { name: 'run_id', type: 'string', required: false, doc: 'The run that met the row.' },
    { name: 'object', type: 'string', required: false, doc: 'The object of the job that the row belongs to.' },
    { name: 'source_file', type: 'string', required: false, doc: 'Where the row came from.' },
    { name: 'line', type: 'long', required: false, doc: 'Line where the row starts, counted from 1; null if unknown.' },
    {
      name: 'column',
      type: 'string',
      required: false,
      doc: 'The column that did not fit; null if the row as a whole did not.',
    },
    { name: 'reason', type: 'string', required: false, doc: 'A code such as CAST, TOO_MANY_COLUMNS, REQUIRED.' },
    {
      name: 'raw',
      type: 'string',
      required: false,
      doc:
        'The row as it was read: the line, or the values as JSON. With the reason INVALID_ENCODING, and only then, ' +
        'bytes that are no UTF-8 are written as \\xNN and a backslash as \\\\, so that no byte is lost.',
    },
    { name: 'quarantined_at', type: 'timestamptz', required: false, doc: 'When the row was kept aside.' },
  ],
};
