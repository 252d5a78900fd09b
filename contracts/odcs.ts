import { z } from 'zod';

/**
 * A data contract in the Open Data Contract Standard v3.0.2 (github.com/bitol-io/open-data-contract-standard, JSON
 * Schema of v3.0.2): the parts that describe columns are typed, every other official key is accepted and kept.
 */
export const ODCS_API_VERSIONS = ['v3.0.2', 'v3.0.1', 'v3.0.0'] as const;
export const ODCS_LOGICAL_TYPES = ['string', 'date', 'number', 'integer', 'object', 'array', 'boolean'] as const;

const kept = () => z.unknown().optional();

const elementKeys = {
  description: z.string().optional(),
  businessName: z.string().optional(),
  authoritativeDefinitions: kept(),
  tags: kept(),
  customProperties: kept(),
  quality: z.array(z.unknown()).optional(),
  physicalName: z.string().optional(),
  physicalType: z.string().optional(),
};

const propertyKeys = {
  ...elementKeys,
  logicalType: z.enum(ODCS_LOGICAL_TYPES).optional(),
  logicalTypeOptions: z.record(z.string(), z.unknown()).optional(),
  required: z.boolean().optional(),
  primaryKey: z.boolean().optional(),
  primaryKeyPosition: z.number().int().optional(),
  unique: z.boolean().optional(),
  classification: z.string().optional(),
  partitioned: z.boolean().optional(),
  partitionKeyPosition: z.number().int().optional(),
  encryptedName: z.string().optional(),
  transformSourceObjects: kept(),
  transformLogic: kept(),
  transformDescription: kept(),
  examples: kept(),
  criticalDataElement: z.boolean().optional(),
};

const name = z.string().min(1, { error: 'a text that is not empty' });

type PropertyKeys = z.output<z.ZodObject<typeof propertyKeys>>;

/** The element type of a list: a property that needs no name. */
export interface OdcsItem extends PropertyKeys {
  name?: string | undefined;
  properties?: OdcsProperty[] | undefined;
  items?: OdcsItem | undefined;
}

export interface OdcsProperty extends OdcsItem {
  name: string;
}

const itemSchema: z.ZodType<OdcsItem> = z.lazy(() =>
  z.strictObject({ ...propertyKeys, name: name.optional(), ...nestedKeys }),
);

const propertySchema: z.ZodType<OdcsProperty> = z.lazy(() => z.strictObject({ ...propertyKeys, name, ...nestedKeys }));

const nestedKeys = {
  properties: z.array(propertySchema).optional(),
  items: itemSchema.optional(),
};

const schemaObjectSchema = z.strictObject({
  ...elementKeys,
  name,
  logicalType: z.literal('object').optional(),
  dataGranularityDescription: z.string().optional(),
  properties: z.array(propertySchema).optional(),
});

export const odcsSchema = z.strictObject({
  apiVersion: z.enum(ODCS_API_VERSIONS),
  kind: z.literal('DataContract'),
  id: name,
  version: name,
  status: name,
  name: z.string().optional(),
  schema: z.array(schemaObjectSchema).optional(),
  tenant: z.string().optional(),
  domain: z.string().optional(),
  dataProduct: z.string().optional(),
  description: kept(),
  tags: kept(),
  servers: kept(),
  support: kept(),
  price: kept(),
  team: kept(),
  roles: kept(),
  slaDefaultElement: kept(),
  slaProperties: kept(),
  authoritativeDefinitions: kept(),
  customProperties: kept(),
  contractCreatedTs: kept(),
});

export type OdcsContract = z.output<typeof odcsSchema>;
export type OdcsObject = z.output<typeof schemaObjectSchema>;
