import { z } from 'zod';
import { filledText, location, plainName, wholeNumber } from './job-fields.ts';

export const CATALOG_TYPES = ['sqlite', 'rest', 'sql', 'hive', 'glue', 'nessie', 'polaris', 'lakekeeper'] as const;

/** File name of the embedded catalog inside the warehouse, unless `target.catalog.uri` names another. */
export const EMBEDDED_CATALOG_FILE = 'catalog.db';

/** Name under which the embedded catalog lists its tables: the one that PyIceberg looks for by default. */
export const EMBEDDED_CATALOG_NAME = 'default';

/** `target.catalog`: the Iceberg catalog. */
export const catalogSchema = z.strictObject({
  type: z
    .enum(CATALOG_TYPES)
    .default('sqlite')
    .describe('Kind of Iceberg catalog: sqlite is embedded and needs no server.'),
  uri: location()
    .optional()
    .describe(
      `Address of the catalog. sqlite: a file, relative to the job file; default ${EMBEDDED_CATALOG_FILE} in the warehouse. ` +
        'sql: postgresql://user:password@host/database or sqlite:///path. rest and its kin: https://host/path, without /v1.',
    ),
  name: plainName()
    .default(EMBEDDED_CATALOG_NAME)
    .describe('Name of a SQL catalog inside of its database, as other Iceberg readers of it are told.'),
  warehouse: filledText()
    .optional()
    .describe('Name of the warehouse inside of a REST catalog; Polaris and Lakekeeper need it. Not its folder.'),
  ref: filledText()
    .optional()
    .describe('Branch or tag of a Nessie catalog. Default: its default branch; a tag can only be read.'),
  token: filledText()
    .optional()
    .describe(
      'Bearer token of a REST catalog. A secret: write ${VARIABLE}, ${file:path}, ${vault:path#key} or ${aws:name#key}.',
    ),
  credential: filledText()
    .optional()
    .describe(
      'OAuth2 client credential of a REST catalog, id:secret. A secret: write ${VARIABLE}, ${file:path}, ${vault:path#key} or ${aws:name#key}.',
    ),
  oauth2_server_uri: webAddress()
    .optional()
    .describe(
      'Where a token is asked for with the credential. Default: the address of the catalog and /v1/oauth/tokens.',
    ),
  scope: filledText()
    .optional()
    .describe(
      'Scope that the token is asked for. Default: catalog; polaris: PRINCIPAL_ROLE:ALL; lakekeeper: lakekeeper.',
    ),
  audience: filledText().optional().describe('Audience that the token is asked for, where the token server wants one.'),
  vended_credentials: z
    .boolean()
    .optional()
    .describe(
      "Whether a REST catalog lends the access to its tables' files. Default: false, access is as target.storage says.",
    ),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, { error: 'the name of an HTTP header' }), z.string())
    .optional()
    .describe('Headers sent with each request to a REST catalog, such as Polaris-Realm.'),
  timeout_seconds: wholeNumber(1, 600)
    .optional()
    .describe('How long one request to a REST catalog may take, in seconds. Default: 60.'),
});

export type CatalogSpec = z.output<typeof catalogSchema>;

function webAddress() {
  return z.string().regex(/^https?:\/\/[^/\s]+/, { error: 'an address such as https://catalog.example.com/iceberg' });
}
