import type { DativoError } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';
import type { SecretReference } from '../../contracts/secret.ts';
import { secretName } from '../../contracts/secret.ts';

/** There is no such secret, or no such version of it. */
export function secretNotFound(reference: SecretReference, answer: string): DativoError {
  return fail('SECRET_NOT_FOUND', {
    received: `${answer} for the secret ${secretName(reference)}`,
    expected: 'a secret of that name and version, which these credentials may see',
    next: 'correct the name in the job, or create the secret',
  });
}

/** The secret is there; the value that is asked for is not. */
export function keyNotFound(reference: SecretReference): DativoError {
  return fail('SECRET_NOT_FOUND', {
    received: `a secret without the key that ${secretName(reference)} names`,
    expected: 'a text, a number or a truth value of that name, at the top of the secret',
    next: 'correct the part behind # in the job, or add the key to the secret',
  });
}

export function secretDenied(reference: SecretReference, answer: string, rights: string): DativoError {
  return fail('SECRET_DENIED', {
    received: `${answer} for the secret ${secretName(reference)}`,
    expected: 'credentials that the store accepts, with the right to read the secret',
    next: `check the credentials of this process, and grant ${rights}`,
  });
}

export function storeUnavailable(reference: SecretReference, answer: string): DativoError {
  return fail('SECRET_STORE_UNAVAILABLE', {
    received: `${answer} for the secret ${secretName(reference)}`,
    expected: 'an answer of the store',
    next: 'check that it runs and can be reached from here; a run tries again by itself',
  });
}
