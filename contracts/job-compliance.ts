import { z } from 'zod';
import { columnNames, filledText, plainName, wholeNumber } from './job-fields.ts';

const enabled = (what: string) => z.boolean().default(true).describe(`Whether ${what}.`);

const dataStoreSchema = z.strictObject({
  type: filledText().describe('Kind of store: iceberg, postgres, mysql, s3, salesforce, ….'),
  catalog: filledText().optional().describe('Iceberg catalog of the store.'),
  namespace: plainName().optional().describe('Namespace of the tables to search.'),
  connection: filledText().optional().describe('Connection string. A secret: write ${VARIABLE} or ${file:path}.'),
  host: filledText().optional().describe('Host of a database.'),
  port: wholeNumber(1, 65_535).optional().describe('Port of a database.'),
  database: filledText().optional().describe('Name of a database.'),
  bucket: filledText().optional().describe('Bucket of an object store.'),
  instance: filledText().optional().describe('Instance of a service, such as example.salesforce.com.'),
});

const piiColumnsSchema = z.strictObject({
  auto_detect: z.boolean().default(true).describe('Whether columns of personal data are found by their names.'),
  explicit: z
    .array(
      z.strictObject({
        table: filledText().describe('Table that holds personal data.'),
        columns: columnNames().describe('Its columns of personal data.'),
      }),
    )
    .default([])
    .describe('Columns of personal data, table by table.'),
});

const discoverySchema = z.strictObject({
  data_stores: z.array(dataStoreSchema).default([]).describe('Stores that are searched for a person.'),
  pii_columns: piiColumnsSchema.prefault({}).describe('Which columns hold personal data.'),
});

const operationsSchema = z.strictObject({
  data_download: z
    .strictObject({
      enabled: enabled('people can ask for their data'),
      format: z.enum(['json', 'csv', 'parquet']).default('json').describe('Format of the download.'),
      encryption: z.boolean().default(true).describe('Whether the download is encrypted.'),
      delivery_method: filledText().default('presigned_url').describe('How the download reaches the person.'),
      expiry_hours: wholeNumber(1, 8760).default(72).describe('How long the download can be fetched, in hours.'),
    })
    .optional()
    .describe('Download of all data about a person.'),
  data_deletion: z
    .strictObject({
      enabled: enabled('people can have their data deleted'),
      deletion_scope: filledText().default('all').describe('Stores to delete from; all = every store.'),
      include_backups: z.boolean().default(true).describe('Whether backups are cleared too.'),
      verification_required: z.boolean().default(true).describe('Whether a search must prove that nothing is left.'),
      certificate_generation: z.boolean().default(true).describe('Whether a certificate of the deletion is written.'),
    })
    .optional()
    .describe('Deletion of all data about a person.'),
  account_termination: z
    .strictObject({
      enabled: enabled('accounts can be ended'),
      revoke_access: z.boolean().default(true).describe('Whether access is taken away.'),
      delete_credentials: z.boolean().default(true).describe('Whether credentials are deleted.'),
      optional_data_deletion: z.boolean().default(true).describe('Whether the data can be deleted with the account.'),
    })
    .optional()
    .describe('End of an account.'),
});

const auditSchema = z.strictObject({
  enabled: enabled('each step of a request is recorded'),
  storage: filledText().default('local').describe('Where the records are kept: local or s3.'),
  bucket: filledText().optional().describe('Bucket of the records.'),
  retention_days: wholeNumber(1, 36_500).default(2555).describe('How long records are kept, in days.'),
  immutable: z.boolean().default(true).describe('Whether records can only be added.'),
});

const notificationsSchema = z.strictObject({
  slack: z
    .strictObject({
      enabled: enabled('Slack is told'),
      channel: filledText().optional().describe('Channel, such as "#compliance-alerts".'),
    })
    .optional()
    .describe('Messages to Slack.'),
  email: z
    .strictObject({
      enabled: enabled('mail is sent'),
      recipients: z.array(filledText()).default([]).describe('Addresses that are told.'),
    })
    .optional()
    .describe('Mail.'),
});

/** `compliance`: how requests of data subjects are answered. */
export const complianceSchema = z.strictObject({
  enabled: enabled('requests of data subjects are served'),
  discovery: discoverySchema.prefault({}).describe('Where personal data is.'),
  dsr_operations: operationsSchema.prefault({}).describe('What data subjects can ask for.'),
  audit: auditSchema.optional().describe('The record of what was done.'),
  notifications: notificationsSchema.optional().describe('Who is told about requests.'),
});
