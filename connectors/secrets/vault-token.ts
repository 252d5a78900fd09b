import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import type { SecretReference } from '../../contracts/secret.ts';
import { secretName } from '../../contracts/secret.ts';
import { storeUnavailable } from './errors.ts';
import { askVault, unanswered } from './vault-http.ts';
import type { VaultLogin, VaultSettings } from './vault-settings.ts';

/** Part of a token's life after which the next one is asked for. */
const LIVED = 2 / 3;

const loginAnswer = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().nonnegative() }),
});

/** The token that is shown to Vault: a given one, or the one of the latest login. */
export class VaultToken {
  readonly #settings: VaultSettings;
  #current: Promise<{ readonly token: string; readonly renewAtMs: number }> | undefined;

  constructor(settings: VaultSettings) {
    this.#settings = settings;
  }

  /** Fails with SECRET_STORE_UNSET, SECRET_DENIED or SECRET_STORE_UNAVAILABLE; `reference` is what it is wanted for. */
  async value(reference: SecretReference): Promise<string> {
    this.#current ??= this.#obtain(reference);
    const known = await this.#current;
    if (Date.now() < known.renewAtMs) return known.token;
    return (await this.renew(known.token, reference)).token;
  }

  /** After Vault refused a token: another one if there is any, else the same. */
  async renew(refused: string, reference: SecretReference) {
    // Several who were refused at the same time log in once.
    const before = this.#current;
    const known = await before?.catch(() => undefined);
    if (this.#current === before && known?.token === refused) this.#current = undefined;
    this.#current ??= this.#obtain(reference);
    return this.#current;
  }

  async #obtain(reference: SecretReference) {
    try {
      return await this.#login(reference);
    } catch (error) {
      // The next question asks again.
      this.#current = undefined;
      throw error;
    }
  }

  async #login(reference: SecretReference): Promise<{ token: string; renewAtMs: number }> {
    const { login } = this.#settings;
    if (login.method === 'token') {
      const token = login.token();
      if (token === undefined) throw noCredentials('no token', 'VAULT_TOKEN, or VAULT_ROLE_ID or VAULT_ROLE to log in');
      return { token, renewAtMs: Number.POSITIVE_INFINITY };
    }
    const question = { method: 'POST', path: `auth/${login.mount}/login`, body: bodyOf(login) } as const;
    const { status, body } = await askVault(this.#settings, question).catch((error: unknown) => {
      throw unanswered(error, reference);
    });
    if (status >= 500 || status === 429) throw storeUnavailable(reference, `status ${status} from Vault at the login`);
    const parsed = loginAnswer.safeParse(body);
    if (status !== 200 || !parsed.success) throw loginRefused(status, login, reference);
    const { client_token: token, lease_duration: seconds } = parsed.data.auth;
    // A lease of zero does not end.
    const renewAtMs = seconds === 0 ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000 * LIVED;
    return { token, renewAtMs };
  }
}

function bodyOf(login: Exclude<VaultLogin, { method: 'token' }>): Record<string, string> {
  if (login.method === 'approle') {
    // A role may be made so that its id is enough.
    const secretId = login.secretId();
    return { role_id: login.roleId, ...(secretId === undefined ? {} : { secret_id: secretId }) };
  }
  const jwt = login.jwt();
  if (jwt === undefined) throw noCredentials('no service account token', 'VAULT_JWT_FILE to the file that holds it');
  return { role: login.role, jwt };
}

function noCredentials(what: string, setting: string) {
  return fail('SECRET_STORE_UNSET', {
    received: `${what} for Vault`,
    expected: 'something to log in with, where the job runs',
    next: `set ${setting}`,
  });
}

function loginRefused(status: number, { method }: VaultLogin, reference: SecretReference) {
  return fail('SECRET_DENIED', {
    received: `status ${status} from Vault at the login by ${method}, for the secret ${secretName(reference)}`,
    expected: 'a role and credentials that Vault accepts there',
    next: 'check VAULT_AUTH_MOUNT, VAULT_NAMESPACE, the role and its credentials',
  });
}
