import { fail } from '../contracts/errors.ts';

/** A run or chunk id as the name of a folder that is only its own. */
export function requireFolderName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return name;
  throw fail('UNEXPECTED', {
    received: 'a run or chunk id with characters that a folder name must not have',
    expected: 'letters, digits, dots, dashes and underscores',
    next: 'report it together with the job file',
  });
}
