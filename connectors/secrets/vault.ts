import { z } from 'zod';
import type { SecretReference, SecretStore } from '../../contracts/secret.ts';
import { secretDenied, secretNotFound, storeUnavailable } from './errors.ts';
import type { VaultAnswer } from './vault-http.ts';
import { askVault, unanswered } from './vault-http.ts';
import type { VaultSettings } from './vault-settings.ts';
import { vaultSettings } from './vault-settings.ts';
import { VaultToken } from './vault-token.ts';

const values = z.record(z.string(), z.unknown());
/** KV version 1: the values themselves. */
const plainAnswer = z.object({ data: values });
/** KV version 2: the values, null for a version that was deleted, beside what is known of the version. */
const versionedAnswer = z.object({
  data: z.object({ data: values.nullable(), metadata: z.object({ version: z.number(), created_time: z.string() }) }),
});
/** What Vault's own command line asks before it reads: where the engine is mounted, and in which version. */
const mountAnswer = z.object({
  data: z.object({ path: z.string(), options: z.object({ version: z.string().optional() }).nullish() }),
});

/**
 * HashiCorp Vault's key/value engine, version 1 and 2, by its HTTP API. The path is the one of the API
 * (`secret/data/db` in version 2) or the one that `vault kv get` takes (`secret/db`).
 */
export class VaultSecrets implements SecretStore {
  readonly #settings: VaultSettings;
  readonly #token: VaultToken;

  /** Throws SECRET_STORE_UNSET. */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#settings = vaultSettings(env);
    this.#token = new VaultToken(this.#settings);
  }

  async read(reference: SecretReference): Promise<string> {
    const { path, version } = reference;
    const query = version === undefined ? '' : `?version=${version}`;
    const answer = await this.#ask(`${encoded(path)}${query}`, reference);
    if (answer.status === 200) return contentOf(answer, reference);
    if (answer.status !== 404 && answer.status !== 403) throw unexpected(answer, reference);
    // Version 2 answers so to a path without its `data/`, and a policy for that path does not allow another.
    const inside = await this.#pathInEngine(reference);
    const again = inside === undefined ? answer : await this.#ask(`${encoded(inside)}${query}`, reference);
    if (again.status === 200) return contentOf(again, reference);
    if (again.status === 404) throw secretNotFound(reference, 'status 404 from Vault');
    if (again.status === 403) throw secretDenied(reference, 'status 403 from Vault', '"read" on that path in a policy');
    throw unexpected(again, reference);
  }

  /** The path with `data/` behind its engine's mount; undefined where it has it, or needs none. */
  async #pathInEngine(reference: SecretReference): Promise<string | undefined> {
    const { path } = reference;
    const { status, body } = await this.#ask(`sys/internal/ui/mounts/${encoded(path)}`, reference);
    const mount = mountAnswer.safeParse(body).data?.data;
    if (status !== 200 || mount?.options?.version !== '2' || !`${path}/`.startsWith(mount.path)) return undefined;
    const below = path.slice(mount.path.length);
    return below.startsWith('data/') ? undefined : `${mount.path}data/${below}`;
  }

  /** A refusal is answered with a new token once: the old one may have ended or been revoked. */
  async #ask(path: string, reference: SecretReference): Promise<VaultAnswer> {
    const once = (token: string) =>
      askVault(this.#settings, { method: 'GET', path, token }).catch((error: unknown) => {
        throw unanswered(error, reference);
      });
    const token = await this.#token.value(reference);
    const answer = await once(token);
    if (answer.status !== 403 && answer.status !== 401) return answer;
    const { token: other } = await this.#token.renew(token, reference);
    return other === token ? answer : once(other);
  }
}

function contentOf({ body }: VaultAnswer, reference: SecretReference): string {
  const versioned = versionedAnswer.safeParse(body).data?.data;
  if (versioned !== undefined) {
    if (versioned.data === null) throw secretNotFound(reference, 'a version that was deleted');
    return JSON.stringify(versioned.data);
  }
  const plain = plainAnswer.safeParse(body).data?.data;
  if (plain === undefined) throw unexpected({ status: 200, body }, reference);
  if (reference.version !== undefined) throw secretNotFound(reference, 'an engine that keeps no versions');
  return JSON.stringify(plain);
}

function unexpected({ status }: VaultAnswer, reference: SecretReference) {
  if (status === 400) return secretNotFound(reference, 'status 400 from Vault');
  if (status === 200) return secretNotFound(reference, 'an answer that is none of the key/value engine');
  return storeUnavailable(reference, `status ${status} from Vault`);
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
