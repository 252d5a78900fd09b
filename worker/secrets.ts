import { canChange, secretsIn } from '../config/interpolate.ts';
import type { JsonTree } from '../config/json-tree.ts';
import { SecretCache } from './secret-cache.ts';

type Environment = NodeJS.ProcessEnv;

/** Values of secrets as they were last read, and how to read them again. */
export interface ReadSecrets {
  get(name: string): string | undefined;
  /** Reads them anew, because what they were used for refused them. */
  reread(): Promise<void>;
}

/** By the environment that says where the stores are. */
const caches = new WeakMap<Environment, SecretCache>();

/**
 * Reads the secrets that the texts of a tree refer to; a tree without any opens no store and loads no client.
 * Fails with SECRET_NOT_FOUND, SECRET_DENIED, SECRET_STORE_UNSET or SECRET_STORE_UNAVAILABLE.
 */
export async function readSecrets(tree: JsonTree, env: Environment): Promise<ReadSecrets> {
  const references = secretsIn(tree);
  let values: ReadonlyMap<string, string> = new Map();
  const read = async (notBeforeMs?: number) => {
    if (references.length > 0) values = await cacheOf(env).values(references, notBeforeMs);
  };
  await read();
  return { get: (name) => values.get(name), reread: () => read(Date.now()) };
}

/** Opens settings again with secrets as they are then; undefined where what is written always stands for the same. */
export function rereading<T>(
  written: JsonTree | undefined,
  secrets: ReadSecrets,
  open: () => T,
): (() => Promise<T>) | undefined {
  if (written === undefined || !canChange(written)) return undefined;
  return async () => {
    await secrets.reread();
    return open();
  };
}

function cacheOf(env: Environment): SecretCache {
  const known = caches.get(env);
  if (known) return known;
  const cache = new SecretCache({
    vault: async () => new (await import('../connectors/secrets/vault.ts')).VaultSecrets(env),
    aws: async () => new (await import('../connectors/secrets/aws.ts')).AwsSecrets(env),
  });
  caches.set(env, cache);
  return cache;
}
