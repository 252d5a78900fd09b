import type { S3Credentials, S3Settings } from './s3-client.ts';
import type { Storage } from './storage.ts';

/** Access to the files below a prefix that somebody else lends, such as the catalog that knows the table there. */
export interface LentAccess {
  /** Beginning of the URIs that it is for, up to a slash or the end of a name. */
  readonly prefix: string;
  /** Where the store is, for what the storage's own settings leave open. */
  readonly place: Omit<S3Settings, 'credentials'>;
  readonly credentials: S3Credentials;
  /** Brings others once these have come to their end; undefined if there are none. */
  renew(): Promise<S3Credentials | undefined>;
}

export interface BorrowingStorage extends Storage {
  /** From now on the files below the prefix are reached in this way. */
  borrow(access: LentAccess): void;
}

export function canBorrow(storage: Storage): storage is BorrowingStorage {
  return 'borrow' in storage && typeof storage.borrow === 'function';
}

/** Whether a URI is the prefix or below it: access to `…/orders` is none to `…/orders_old`. */
export function isBelow(uri: string, prefix: string): boolean {
  const [name, start] = [plain(uri), plain(prefix)];
  if (!name.startsWith(start)) return `${name}/` === start;
  // A prefix without a path, such as `s3`, is that of everything.
  return name.length === start.length || start.endsWith('/') || !start.includes('://') || name[start.length] === '/';
}

function plain(uri: string): string {
  return uri.replace(/^s3[an]:/, 's3:');
}
