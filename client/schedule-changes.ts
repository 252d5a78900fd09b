import { isSecret } from '../config/describe-issue.ts';
import type { JsonTree, KeyPath } from '../config/json-tree.ts';
import { canonicalJson, isObject, showPath } from '../config/json-tree.ts';
import type { StoredJob } from '../config/stored-job.ts';

/** One thing that an update changes; a side is absent where the field is. Values as they are written in the file. */
export interface FieldChange {
  readonly field: string;
  readonly old?: string;
  readonly new?: string;
}

const HIDDEN = '(not shown)';

/** What differs between two sets of fields, in the order of the new ones. */
export function fieldChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  prefix = '',
): FieldChange[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => change(`${prefix}${name}`, before[name], after[name]));
}

/**
 * What differs between two stored jobs, but for `schedule`, which is compared with its defaults. Values of keys that
 * hold secrets are not shown.
 */
export function jobChanges(before: StoredJob, after: StoredJob): FieldChange[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  const fields = [...new Set([...now.keys(), ...old.keys()])].filter(
    (field) => old.get(field)?.text !== now.get(field)?.text,
  );
  return fields.map((field) => change(field, old.get(field)?.shown, now.get(field)?.shown));
}

interface Leaf {
  readonly text: string;
  readonly shown: string;
}

function leavesOf({ job, contracts, objects, name, folder }: StoredJob): Map<string, Leaf> {
  const { schedule: _schedule, ...sections } = job;
  const leaves = new Map<string, Leaf>();
  const plain = (field: string, text: string) => leaves.set(field, { text, shown: text });
  plain('job file', name);
  plain('folder', folder);
  plain('objects', objects.join(', '));
  for (const [object, schema] of Object.entries(contracts ?? {})) {
    // A contract is long: that it changed is told, not how.
    const columns = `${schema.columns.length} columns`;
    leaves.set(`contract of ${object}`, { text: JSON.stringify(schema), shown: columns });
  }
  collect(sections, [], leaves);
  return leaves;
}

function collect(tree: JsonTree, at: KeyPath, leaves: Map<string, Leaf>): void {
  if (isObject(tree)) for (const [key, value] of Object.entries(tree)) collect(value, [...at, key], leaves);
  else if (Array.isArray(tree) && tree.some((item) => isObject(item))) {
    for (const [index, value] of tree.entries()) collect(value, [...at, index], leaves);
  } else {
    const text = typeof tree === 'string' ? tree : canonicalJson(tree);
    leaves.set(showPath(at), { text, shown: isSecret(at) ? HIDDEN : text });
  }
}

function change(field: string, before: string | undefined, after: string | undefined): FieldChange {
  return { field, ...(before === undefined ? {} : { old: before }), ...(after === undefined ? {} : { new: after }) };
}
