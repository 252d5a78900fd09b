import type { ErrorCode, ErrorParts } from '../../contracts/errors.ts';
import { DativoError, fail, hasErrnoCode } from '../../contracts/errors.ts';
import { withoutValues } from './errors.ts';

interface Translation {
  readonly code: ErrorCode;
  /** What is behind the store's own word, as a clause. */
  readonly meaning: string;
  readonly expected: string;
  readonly next: string;
}

const BAD_KEYS = {
  code: 'STORAGE_KEYS_REFUSED',
  meaning: 'the access keys are not valid there',
  expected: 'an access key id and a secret access key that belong together and are valid',
  next: 'correct the keys where they are from: the storage section of the job, this machine (AWS_ACCESS_KEY_ID, a profile), or the catalog that lends them',
} as const satisfies Translation;

const EXPIRED = {
  ...BAD_KEYS,
  meaning: 'the session has ended',
  expected: 'temporary credentials that are still valid',
  next: 'obtain new ones, or use a source of credentials that renews itself',
} as const satisfies Translation;

const DENIED = {
  code: 'STORAGE_DENIED',
  meaning: 'these access keys are not allowed to do so',
  expected: 'the rights to list, read, write and delete below the warehouse, or to list and read a source',
  next: "give them to the keys' owner, or use other keys",
} as const satisfies Translation;

const CLOCK = {
  code: 'STORAGE_CLOCK_SKEW',
  meaning: "this machine's clock is more than 15 minutes off the store's",
  expected: 'a clock that is right',
  next: 'set the clock of this machine (NTP), then run again',
} as const satisfies Translation;

const BUSY = {
  code: 'STORAGE_IO',
  meaning: 'the store is overloaded or failed inside',
  expected: 'an answer within eight attempts',
  next: 'wait; a run tries again by itself',
} as const satisfies Translation;

const FULL = {
  code: 'STORAGE_FULL',
  meaning: 'the store has no room left',
  expected: 'room for the data',
  next: 'free space or raise the quota, and run again',
} as const satisfies Translation;

/** The store's own codes (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and its imitators'. */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  NoSuchBucket: {
    code: 'STORAGE_NOT_FOUND',
    meaning: 'there is no such bucket',
    expected: 'a bucket that exists',
    next: 'create it, or correct its name or the endpoint',
  },
  PermanentRedirect: {
    code: 'STORAGE_NOT_FOUND',
    meaning: 'the bucket is in another region',
    expected: 'the region of the bucket',
    next: 'set storage.region to it',
  },
  InvalidBucketName: {
    code: 'STORAGE_NOT_FOUND',
    meaning: 'no bucket can have this name',
    expected: 'the name of a bucket',
    next: 'correct it',
  },
  InvalidAccessKeyId: BAD_KEYS,
  XAdminUserNotFound: BAD_KEYS,
  SignatureDoesNotMatch: BAD_KEYS,
  AuthorizationHeaderMalformed: { ...BAD_KEYS, meaning: 'the keys or the region are not what the store expects' },
  InvalidToken: EXPIRED,
  ExpiredToken: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  CredentialsProviderError: {
    ...BAD_KEYS,
    meaning: 'no access keys were found',
    next: 'set storage.access_key_id and secret_access_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile',
  },
  RequestTimeTooSkewed: CLOCK,
  RequestExpired: CLOCK,
  RequestInTheFuture: CLOCK,
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  MethodNotAllowed: DENIED,
  InsufficientStorage: FULL,
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  SlowDown: BUSY,
  InternalError: BUSY,
  ServiceUnavailable: BUSY,
  NotImplemented: {
    code: 'STORAGE_DENIED',
    meaning: 'the store does not know this request',
    expected: 'a store that speaks S3 with conditional writes (If-None-Match) and multipart uploads',
    next: 'use another store, or a newer version of it',
  },
};

/** For answers without a body, such as those to HEAD. */
const BY_STATUS: Readonly<Record<number, Translation>> = {
  301: TRANSLATIONS['PermanentRedirect'] ?? BUSY,
  403: DENIED,
};

/** Connections that never came about: the host's name, its port or the way there. */
const UNREACHABLE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPROTO',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** What an error of the SDK says about itself. Never its message, which may quote a header or a key. */
export interface S3Failure {
  /** Such as `NoSuchKey`, or `UnknownError` for an answer without a body. */
  readonly name: string;
  readonly status: number | undefined;
  readonly errno: string | undefined;
}

export function s3Failure(error: unknown): S3Failure {
  const name = error instanceof Error ? error.name : 'UnknownError';
  const metadata: unknown = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  const cause = error instanceof Error ? error.cause : undefined;
  const errno = hasErrnoCode(error) ? error.code : hasErrnoCode(cause) ? cause.code : undefined;
  return { name, status: typeof status === 'number' ? status : undefined, errno };
}

/** There is no such object. A missing bucket looks the same in an answer to HEAD. */
export function isAbsent(error: unknown): boolean {
  const { name, status } = s3Failure(error);
  return status === 404 && name !== 'NoSuchUpload' && !Object.hasOwn(TRANSLATIONS, name);
}

/** The credentials may be the reason: a store says so, or gives no reason, as in every answer to HEAD. */
export function isRefusal(error: unknown): boolean {
  const { name, status } = s3Failure(error);
  return (
    status === 401 || status === 403 || (status === 400 && (name === 'UnknownError' || TRANSLATIONS[name] === EXPIRED))
  );
}

/** A condition of the request (If-Match, If-None-Match) does not hold. */
export function isConditionFailed(error: unknown): boolean {
  return s3Failure(error).status === 412;
}

/**
 * What an object store refused or failed to do, as one of STORAGE_NOT_FOUND, STORAGE_KEYS_REFUSED, STORAGE_DENIED,
 * STORAGE_CLOCK_SKEW, STORAGE_UNREACHABLE, STORAGE_FULL, STORAGE_IO. What is no answer of a store and no failed
 * connection, such as an abort, passes unchanged.
 */
export function s3Error(error: unknown, action: string, uri: string): unknown {
  if (error instanceof DativoError) return error;
  const doing = `when ${action} ${withoutValues(uri)}`;
  const { name, status, errno } = s3Failure(error);
  const known = Object.hasOwn(TRANSLATIONS, name) ? TRANSLATIONS[name] : undefined;
  const translation = known ?? (status === undefined ? undefined : BY_STATUS[status]);
  const shown = `${/^[A-Za-z]{1,60}$/.test(name) ? name : 'an error'}${status === undefined ? '' : ` (${status})`}`;
  if (translation !== undefined) {
    const { code, meaning, expected, next } = translation;
    return fail(code, { received: `${shown} ${doing}: ${meaning}`, expected, next });
  }
  if (error instanceof Error && /^Region is missing/.test(error.message)) return fail('STORAGE_NOT_FOUND', NO_REGION);
  if (errno !== undefined && UNREACHABLE.has(errno)) {
    return fail('STORAGE_UNREACHABLE', {
      received: `${errno} ${doing}`,
      expected: 'an object store that answers at storage.endpoint, or AWS in storage.region',
      next: 'check the endpoint, its port and scheme, and the network; a run tries again by itself',
    });
  }
  if (errno === undefined && status === undefined && name !== 'TimeoutError') return error;
  return fail('STORAGE_IO', {
    received: `${errno ?? shown} ${doing}`,
    expected: 'an answer of the object store',
    next: 'check the store and the network; a run tries again by itself',
  });
}

const NO_REGION: ErrorParts = {
  received: 'an s3:// address and no region',
  expected: 'the region of the bucket',
  next: 'set storage.region, AWS_REGION or the region of an AWS profile',
};
