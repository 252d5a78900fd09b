import type { AvroSchema } from './avro.ts';

/**
 * The Avro schemas of manifests and manifest lists in format version 2 (Iceberg spec, "Manifests" and "Manifest
 * Lists"; ids and names are the spec's tables).
 */
interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly 'field-id': number;
  readonly default?: null;
}

export function required(id: number, name: string, type: AvroSchema): AvroField {
  return { name, type, 'field-id': id };
}

export function optional(id: number, name: string, type: AvroSchema): AvroField {
  return { name, type: ['null', type], default: null, 'field-id': id };
}

/** Avro's maps have string keys only, so a map by field id is an array of pairs (spec, appendix A). */
function mapById(keyId: number, valueId: number, value: AvroSchema): AvroSchema {
  return {
    type: 'array',
    logicalType: 'map',
    items: {
      type: 'record',
      name: `k${keyId}_v${valueId}`,
      fields: [required(keyId, 'key', 'int'), required(valueId, 'value', value)],
    },
  };
}

const arrayOf = (elementId: number, items: AvroSchema): AvroSchema => ({
  type: 'array',
  items,
  'element-id': elementId,
});

function dataFileFields(partition: readonly AvroField[]): readonly AvroField[] {
  return [
    required(134, 'content', 'int'),
    required(100, 'file_path', 'string'),
    required(101, 'file_format', 'string'),
    required(102, 'partition', { type: 'record', name: 'r102', fields: partition }),
    required(103, 'record_count', 'long'),
    required(104, 'file_size_in_bytes', 'long'),
    optional(108, 'column_sizes', mapById(117, 118, 'long')),
    optional(109, 'value_counts', mapById(119, 120, 'long')),
    optional(110, 'null_value_counts', mapById(121, 122, 'long')),
    optional(137, 'nan_value_counts', mapById(138, 139, 'long')),
    optional(125, 'lower_bounds', mapById(126, 127, 'bytes')),
    optional(128, 'upper_bounds', mapById(129, 130, 'bytes')),
    optional(131, 'key_metadata', 'bytes'),
    optional(132, 'split_offsets', arrayOf(133, 'long')),
    optional(135, 'equality_ids', arrayOf(136, 'int')),
    optional(140, 'sort_order_id', 'int'),
  ];
}

/** Schema of a manifest's entries; `partition` describes the tuple of its partition spec. */
export function manifestEntrySchema(partition: readonly AvroField[]): AvroSchema {
  return { type: 'record', name: 'manifest_entry', fields: manifestEntryFields(partition) };
}

function manifestEntryFields(partition: readonly AvroField[]): readonly AvroField[] {
  return [
    required(0, 'status', 'int'),
    optional(1, 'snapshot_id', 'long'),
    optional(3, 'sequence_number', 'long'),
    optional(4, 'file_sequence_number', 'long'),
    required(2, 'data_file', { type: 'record', name: 'r2', fields: dataFileFields(partition) }),
  ];
}

const FIELD_SUMMARY: AvroSchema = {
  type: 'record',
  name: 'r508',
  fields: [
    required(509, 'contains_null', 'boolean'),
    optional(518, 'contains_nan', 'boolean'),
    optional(510, 'lower_bound', 'bytes'),
    optional(511, 'upper_bound', 'bytes'),
  ],
};

const MANIFEST_FILE_FIELDS: readonly AvroField[] = [
  required(500, 'manifest_path', 'string'),
  required(501, 'manifest_length', 'long'),
  required(502, 'partition_spec_id', 'int'),
  required(517, 'content', 'int'),
  required(515, 'sequence_number', 'long'),
  required(516, 'min_sequence_number', 'long'),
  required(503, 'added_snapshot_id', 'long'),
  required(504, 'added_files_count', 'int'),
  required(505, 'existing_files_count', 'int'),
  required(506, 'deleted_files_count', 'int'),
  required(512, 'added_rows_count', 'long'),
  required(513, 'existing_rows_count', 'long'),
  required(514, 'deleted_rows_count', 'long'),
  optional(507, 'partitions', arrayOf(508, FIELD_SUMMARY)),
  optional(519, 'key_metadata', 'bytes'),
];

export const MANIFEST_FILE_SCHEMA: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: MANIFEST_FILE_FIELDS,
};

const namesOf = (fields: readonly AvroField[]): [number, string][] => fields.map((f) => [f['field-id'], f.name]);

/** Field id → name, for reading what other writers named differently. */
export const MANIFEST_NAMES: ReadonlyMap<number, string> = new Map([
  ...namesOf(manifestEntryFields([])),
  ...namesOf(dataFileFields([])),
]);
export const MANIFEST_LIST_NAMES: ReadonlyMap<number, string> = new Map(namesOf(MANIFEST_FILE_FIELDS));
