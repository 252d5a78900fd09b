import type { SecretReference, SecretStoreName } from '../contracts/secret.ts';
import { SECRET_STORES } from '../contracts/secret.ts';

const REFERENCE = /^([a-z]+):([^?#]+)(?:\?([^#]*))?(?:#(.+))?$/s;
/** What can be asked for beside the current version, by store. */
const WHICH: Readonly<Record<SecretStoreName, readonly string[]>> = { vault: ['version'], aws: ['version', 'stage'] };
/** No step up or on the spot, no encoded one, nothing that would end the path in a request. */
const STEP = /^(?!\.{1,2}$)[^\s%\\;]+$/;

/** How to write a reference, for messages. */
export const SECRET_FORMS = ['${vault:path#key}', '${aws:name#key}'] as const;

/** True for a text that begins as a reference to a store of secrets does, well formed or not. */
export function namesSecretStore(inner: string): boolean {
  return SECRET_STORES.some((store) => inner.startsWith(`${store}:`) && !inner.startsWith(`${store}:-`));
}

/** What stands between `${` and `}`, as a reference to a store of secrets; undefined if it is malformed. */
export function parseSecretReference(inner: string): SecretReference | undefined {
  const [, name, given = '', which = '', key] = REFERENCE.exec(inner) ?? [];
  const store = SECRET_STORES.find((known) => known === name);
  const path = given.replace(/^\/+|\/+$/g, '');
  if (store === undefined || !path.split('/').every((step) => STEP.test(step))) return undefined;
  // A secret of Vault is a set of values; one of AWS may be a text.
  if (store === 'vault' && key === undefined) return undefined;
  const asked = [...new URLSearchParams(which)];
  if (!asked.every(([word, value]) => WHICH[store].includes(word) && value !== '')) return undefined;
  const { version, stage } = Object.fromEntries(asked);
  if (store === 'vault' && version !== undefined && !/^[1-9]\d{0,9}$/.test(version)) return undefined;
  return { store, path, key, version, stage };
}
