import { expect } from 'vitest';
import type { DativoError } from '../../contracts/errors.ts';

/** What a run says, with the code; `secret`, a password, is in none of it. */
export async function refusalOf(work: Promise<unknown>, secret: string): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: DativoError) => reason,
  );
  if (error === undefined) throw new Error('nothing was refused');
  expect(JSON.stringify([error.message, error.parts])).not.toContain(secret);
  return `${error.code}: ${error.message}`;
}

/** What a test changes of an address. */
export type AddressChange = Partial<
  Pick<URL, 'username' | 'password' | 'host' | 'hostname' | 'port' | 'pathname' | 'search'>
>;

export function changedAddress(url: string, parts: AddressChange): string {
  return Object.assign(new URL(url), parts).href;
}
