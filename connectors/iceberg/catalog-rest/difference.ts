import { writeJson } from '../json.ts';
import type { Snapshot, TableMetadata } from '../metadata.ts';

/**
 * Two versions of a table as the REST protocol moves from one to the other (spec: "CommitTableRequest"): what has to be
 * as it was, and the steps.
 */
export type Requirement = { readonly type: string } & Readonly<Record<string, unknown>>;
export type Update = { readonly action: string } & Readonly<Record<string, unknown>>;

/** The last entry added in the same request, whatever id the server gives it. */
const LAST_ADDED = -1;

/** That nobody changed the table since: as much as comparing the whole metadata would say. */
export function requirementsOf(base: TableMetadata, next: TableMetadata): Requirement[] {
  const last = base['last-partition-id'];
  const order = base['default-sort-order-id'];
  return [
    { type: 'assert-table-uuid', uuid: base['table-uuid'] },
    ...[...new Set([MAIN, ...changedRefs(base, next)])].map((ref) => ({
      type: 'assert-ref-snapshot-id',
      ref,
      'snapshot-id': base.refs[ref]?.['snapshot-id'] ?? null,
    })),
    { type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] },
    { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': base['last-column-id'] },
    { type: 'assert-default-spec-id', 'default-spec-id': base['default-spec-id'] },
    ...(last === undefined ? [] : [{ type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': last }]),
    ...(order === undefined ? [] : [{ type: 'assert-default-sort-order-id', 'default-sort-order-id': order }]),
  ];
}

/** What makes a table that does not exist. */
export function creation(metadata: TableMetadata, uuid: string): Update[] {
  const empty: TableMetadata = {
    ...metadata,
    location: '',
    schemas: [],
    'partition-specs': [],
    'sort-orders': [],
    'current-schema-id': -1,
    'default-spec-id': -1,
    'default-sort-order-id': -1,
    properties: {},
    snapshots: [],
    refs: {},
  };
  return [
    { action: 'assign-uuid', uuid },
    { action: 'upgrade-format-version', 'format-version': metadata['format-version'] },
    ...difference(empty, metadata),
  ];
}

/** Steps from one version of a table to the next. */
export function difference(base: TableMetadata, next: TableMetadata): Update[] {
  return [
    ...(next.location === base.location ? [] : [{ action: 'set-location', location: next.location }]),
    ...added(base, next, SCHEMAS).map((schema) => ({
      action: 'add-schema',
      schema,
      // Deprecated, and yet Nessie refuses the step without it.
      'last-column-id': next['last-column-id'],
    })),
    ...chosen(base, next, SCHEMAS),
    ...added(base, next, SPECS).map((spec) => ({ action: 'add-spec', spec })),
    ...chosen(base, next, SPECS),
    ...added(base, next, ORDERS).map((order) => ({ action: 'add-sort-order', 'sort-order': order })),
    ...chosen(base, next, ORDERS),
    ...propertySteps(base.properties, next.properties),
    ...snapshotSteps(base, next),
  ];
}

type Entry = Readonly<Record<string, unknown>>;

/** A list of a table's metadata of which one entry is the one in use. */
interface Choices {
  readonly list: 'schemas' | 'partition-specs' | 'sort-orders';
  readonly id: string;
  readonly inUse: 'current-schema-id' | 'default-spec-id' | 'default-sort-order-id';
  readonly action: string;
  /** Name of the id in that step. */
  readonly key: string;
}

const SCHEMAS: Choices = {
  list: 'schemas',
  id: 'schema-id',
  inUse: 'current-schema-id',
  action: 'set-current-schema',
  key: 'schema-id',
};
const SPECS: Choices = {
  list: 'partition-specs',
  id: 'spec-id',
  inUse: 'default-spec-id',
  action: 'set-default-spec',
  key: 'spec-id',
};
const ORDERS: Choices = {
  list: 'sort-orders',
  id: 'order-id',
  inUse: 'default-sort-order-id',
  action: 'set-default-sort-order',
  key: 'sort-order-id',
};

function added(base: TableMetadata, next: TableMetadata, { list, id }: Choices): readonly Entry[] {
  const known = new Set(entries(base[list]).map((entry) => entry[id]));
  return entries(next[list]).filter((entry) => !known.has(entry[id]));
}

function chosen(base: TableMetadata, next: TableMetadata, choices: Choices): Update[] {
  const { id, inUse, action, key } = choices;
  if (next[inUse] === undefined || next[inUse] === base[inUse]) return [];
  const isLastAdded = added(base, next, choices).at(-1)?.[id] === next[inUse];
  return [{ action, [key]: isLastAdded ? LAST_ADDED : next[inUse] }];
}

function entries(list: unknown): readonly Entry[] {
  return Array.isArray(list) ? list : [];
}

type Properties = Readonly<Record<string, string>>;

function propertySteps(base: Properties, next: Properties): Update[] {
  const updates = Object.fromEntries(Object.entries(next).filter(([key, value]) => base[key] !== value));
  const removals = Object.keys(base).filter((key) => next[key] === undefined);
  return [
    ...(Object.keys(updates).length === 0 ? [] : [{ action: 'set-properties', updates }]),
    ...(removals.length === 0 ? [] : [{ action: 'remove-properties', removals }]),
  ];
}

/** A snapshot comes before the reference to it, and goes after it. */
function snapshotSteps(base: TableMetadata, next: TableMetadata): Update[] {
  const [before, after] = [idsOf(base.snapshots), idsOf(next.snapshots)];
  const removed = [...before].filter((id) => !after.has(id));
  return [
    ...next.snapshots
      .filter((snapshot) => !before.has(snapshot['snapshot-id']))
      .map((snapshot) => ({ action: 'add-snapshot', snapshot })),
    ...changedRefs(base, next).map((name) => {
      const ref = next.refs[name];
      return ref === undefined
        ? { action: 'remove-snapshot-ref', 'ref-name': name }
        : { action: 'set-snapshot-ref', 'ref-name': name, ...ref };
    }),
    ...(removed.length === 0 ? [] : [{ action: 'remove-snapshots', 'snapshot-ids': removed }]),
  ];
}

const MAIN = 'main';

function changedRefs(base: TableMetadata, next: TableMetadata): string[] {
  const names = new Set([...Object.keys(base.refs), ...Object.keys(next.refs)]);
  return [...names].filter((name) => writeJson(base.refs[name]) !== writeJson(next.refs[name]));
}

function idsOf(snapshots: readonly Snapshot[]): Set<bigint> {
  return new Set(snapshots.map((snapshot) => snapshot['snapshot-id']));
}
