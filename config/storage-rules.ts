import { hasTemplate } from './interpolate.ts';
import { isRemote } from './job-paths.ts';
import type { JsonObject, JsonTree, KeyPath } from './json-tree.ts';
import { isObject, showPath, valueAt } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';

/** Where `storage` may stand, and which locations it is for. */
const SECTIONS = [
  { storage: ['target', 'storage'], location: ['target', 'warehouse'] },
  { storage: ['source', 'storage'], location: ['source', 'path'] },
] as const;

const S3 = /^s3[an]?:\/\//;
const KEYS = ['access_key_id', 'secret_access_key'] as const;

/** What an object store needs beyond what the schema says. `job` has its variables resolved. */
export function storageRules(job: JsonObject): RuleFinding[] {
  return [...SECTIONS.flatMap(({ storage, location }) => sectionRules(job, storage, location)), ...embeddedRules(job)];
}

function sectionRules(job: JsonObject, path: KeyPath, location: KeyPath): RuleFinding[] {
  const storage = valueAt(job, path);
  if (!isObject(storage)) return [];
  const locations = [valueAt(job, location) ?? './warehouse'].flat();
  if (!locations.some(isInObjectStore)) {
    const received = `${showPath(path)} has no meaning for a ${showPath(location)} that is not in an object store`;
    return [invalid(path, received, 's3:// addresses with it', 'remove it')];
  }
  const [missing, ...others] = KEYS.filter((key) => storage[key] === undefined);
  const asks = storage['session_token'] !== undefined || (missing !== undefined && others.length === 0);
  if (missing === undefined || !asks) return [];
  const received = `${showPath(path)} has no "${missing}"`;
  return [invalid(path, received, 'both keys, or neither to use those of this machine', `add ${missing}`)];
}

/** A database file cannot be kept in an object store. */
function embeddedRules(job: JsonObject): RuleFinding[] {
  const catalog = valueAt(job, ['target', 'catalog']);
  const warehouse = valueAt(job, ['target', 'warehouse']);
  const isEmbedded = (valueAt(catalog, ['type']) ?? 'sqlite') === 'sqlite';
  if (typeof warehouse !== 'string' || !S3.test(warehouse) || !isEmbedded) return [];
  const uri = valueAt(catalog, ['uri']);
  if (uri !== undefined && !(typeof uri === 'string' && isRemote(uri))) return [];
  return [
    invalid(
      ['target', uri === undefined ? 'warehouse' : 'catalog'],
      'the embedded catalog cannot be in an object store',
      'a catalog that several machines can share, or a file on this one',
      'add catalog: { uri: ./catalog.db } under target, or use another type of catalog',
    ),
  ];
}

/** Of a location whose variables have no value here it cannot be told. */
function isInObjectStore(value: JsonTree): boolean {
  return typeof value === 'string' && (S3.test(value) || hasTemplate(value));
}

function invalid(path: KeyPath, received: string, expected: string, next: string): RuleFinding {
  return { path, at: 'key', code: 'JOB_FILE_INVALID', received, expected, next };
}
