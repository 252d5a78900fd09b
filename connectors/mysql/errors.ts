import { DativoError, fail } from '../../contracts/errors.ts';
import type { ServerFailure } from '../database/failure.ts';
import { failureOf, NO_ANSWER } from '../database/failure.ts';

const WRONG_LOGIN: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'refuses the user or the password',
  expected: 'a login that the server accepts',
  next: 'correct the user and password in source.connection, or create the user for the host that Dativo comes from',
};

const NO_RIGHT: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'does not let this user read what the job names',
  expected: 'the right to read it',
  next: 'GRANT SELECT ON the table or view to the user',
};

const NO_DATABASE: ServerFailure = {
  code: 'SOURCE_NOT_FOUND',
  received: 'has no such database',
  expected: 'a database that the server has',
  next: 'correct the database in source.connection or in source.objects',
};

const NO_TABLE: ServerFailure = {
  code: 'SOURCE_NOT_FOUND',
  received: 'has no table of that name any more',
  expected: 'the table to stay while it is read',
  next: 'create it again, or remove it from source.objects',
};

const CHANGED: ServerFailure = {
  code: 'SOURCE_CHANGED',
  received: 'was altered while it was read',
  expected: 'the columns to stay while a table is read',
  next: 'start the run again: it plans with the columns as they are now',
};

const BAD_QUERY: ServerFailure = {
  code: 'SOURCE_UNREADABLE',
  received: 'does not understand source.query',
  expected: 'one SELECT in the SQL of the server, without a semicolon',
  next: 'correct source.query',
};

const TOO_LONG: ServerFailure = {
  code: 'SOURCE_UNREADABLE',
  received: 'ended a statement that took longer than it may',
  expected: 'an answer within source.statement_timeout_seconds',
  next: 'raise source.statement_timeout_seconds',
};

const NO_CONNECTION: ServerFailure = {
  code: 'SOURCE_UNREACHABLE',
  received: 'has no connection left',
  expected: 'one for each object that is read at once',
  next: 'lower source.parallel_objects, or raise max_connections there; it is tried again',
};

const ENDED: ServerFailure = {
  code: 'SOURCE_UNREACHABLE',
  received: 'is stopping, or has closed the connection',
  expected: 'a server that answers',
  next: 'check the server and the network; it is tried again',
};

/** By the number of the server's error (MySQL and MariaDB, "Server Error Message Reference"). */
const MEANINGS: Readonly<Record<number, ServerFailure>> = {
  1045: WRONG_LOGIN,
  1251: {
    ...WRONG_LOGIN,
    received: 'wants a way to log in that the client does not have',
    expected: 'a user with mysql_native_password, caching_sha2_password or ed25519',
    next: 'ALTER the user to one of them',
  },
  1698: WRONG_LOGIN,
  1820: { ...WRONG_LOGIN, received: 'wants a new password of the user first' },
  1862: { ...WRONG_LOGIN, received: 'knows the password of the user as expired' },
  3118: { ...WRONG_LOGIN, received: 'has locked the user' },
  4151: { ...WRONG_LOGIN, received: 'has locked the user' },
  3159: {
    code: 'SOURCE_DENIED',
    received: 'takes encrypted connections only',
    expected: 'a connection with TLS',
    next: 'add ssl-mode=VERIFY_IDENTITY to source.connection',
  },
  1044: NO_RIGHT,
  1142: NO_RIGHT,
  1143: NO_RIGHT,
  1227: NO_RIGHT,
  1370: NO_RIGHT,
  1449: { ...NO_RIGHT, received: 'has a view whose definer does not exist any more', next: 'create the view again' },
  1049: NO_DATABASE,
  1146: NO_TABLE,
  1356: {
    ...NO_TABLE,
    received: 'has a view that reads what is not there, or what its definer may not read',
    expected: 'a view that can be read',
    next: 'create the view again, or correct the rights of its definer',
  },
  1054: CHANGED,
  1412: CHANGED,
  1064: BAD_QUERY,
  1060: {
    code: 'DUPLICATE_COLUMN',
    received: 'gives two columns of source.query one name',
    expected: 'columns with names of their own',
    next: 'name them apart with AS',
  },
  1792: {
    ...BAD_QUERY,
    received: 'would have to write for source.query',
    expected: 'a query that only reads',
  },
  1205: {
    code: 'SOURCE_UNREACHABLE',
    received: 'has the table locked by somebody else',
    expected: 'a lock within source.lock_timeout_seconds',
    next: 'wait for the other work, or raise source.lock_timeout_seconds; it is tried again',
  },
  1213: {
    code: 'SOURCE_UNREACHABLE',
    received: 'gave the transaction up in favour of another',
    expected: 'a transaction that lasts until the rows are read',
    next: 'it is tried again',
  },
  1969: TOO_LONG,
  3024: TOO_LONG,
  1040: NO_CONNECTION,
  1203: NO_CONNECTION,
  1226: NO_CONNECTION,
  1053: ENDED,
  1077: ENDED,
  1129: { ...ENDED, received: 'has blocked this machine after many broken connections', next: 'run FLUSH HOSTS there' },
  1130: { ...WRONG_LOGIN, received: 'does not let this machine in' },
  1158: ENDED,
  1159: ENDED,
  1160: ENDED,
  1161: ENDED,
  1317: { ...ENDED, received: 'ended the statement because somebody killed it' },
  1927: ENDED,
  4031: ENDED,
  1021: { ...ENDED, received: 'has a full disk', next: 'free some there; it is tried again' },
  1037: { ...ENDED, received: 'lacks memory', next: 'free some there; it is tried again' },
};

const NO_TLS: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'offers no encrypted connection',
  expected: 'TLS, which a server on another machine has to have',
  next: 'turn it on there (ssl_cert, ssl_key), or add ssl-mode=DISABLED to source.connection',
};

const WRONG_CERTIFICATE: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'shows a certificate that cannot be trusted, or is of another name',
  expected: 'one of a known authority for the host in source.connection',
  next: 'add ssl-ca=<file of the authority> to source.connection, or correct the host',
};

const NO_COMMON_TLS: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'has no way to encrypt a connection in common with Dativo',
  expected: 'TLS 1.2 or newer',
  next: 'look at tls_version and ssl_cipher there',
};

/** What the client library makes of any error while it turns to TLS; the code of Node's own error is lost. */
const TLS_FAILED = 'HANDSHAKE_SSL_ERROR';
const HAS_NO_TLS = 'HANDSHAKE_NO_SSL_SUPPORT';
const LOGIN_REFUSED = new Set([1045, 1698, 1862]);

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The number of the server's error; undefined for an error of the client or the network. */
export function errorNumberOf(error: unknown): number | undefined {
  const number = error instanceof Error && 'errno' in error ? error.errno : undefined;
  return typeof number === 'number' && number > 0 ? number : undefined;
}

function meaningOf(error: Error): ServerFailure | undefined {
  const code = codeOf(error);
  if (code === HAS_NO_TLS) return NO_TLS;
  // A system call fails when the connection breaks, OpenSSL's library when the two sides do not agree.
  if (code === TLS_FAILED && !('syscall' in error)) return 'library' in error ? NO_COMMON_TLS : WRONG_CERTIFICATE;
  const number = errorNumberOf(error);
  return number === undefined ? NO_ANSWER : MEANINGS[number];
}

/** The user or the password is not the one that the server knows. */
export function isLoginRefused(error: unknown): boolean {
  return LOGIN_REFUSED.has(errorNumberOf(error) ?? 0);
}

/** Of the server, the network, or the client library when it has no connection any more; others are faults of Dativo. */
export function isOfServer(error: unknown): boolean {
  return error instanceof Error && ['code', 'errno', 'sqlState', 'fatal'].some((mark) => mark in error);
}

/** An error of the client library or the server without its text. `shown` names the database, and the object if there is one. */
export function mysqlError(error: unknown, shown: string): DativoError {
  if (error instanceof DativoError) return error;
  const meaning = error instanceof Error ? meaningOf(error) : undefined;
  if (meaning !== undefined) return failureOf(shown, meaning);
  return fail('SOURCE_UNREADABLE', {
    received: `${shown} refuses a query with error ${errorNumberOf(error) ?? 'of an unknown kind'}`,
    expected: 'a query that it can answer',
    next: 'look the number up in the error reference of the server',
  });
}
