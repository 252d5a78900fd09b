import { DativoError, fail } from '../../contracts/errors.ts';
import type { ServerFailure } from '../database/failure.ts';
import { failureOf, NO_ANSWER } from '../database/failure.ts';

/** SQLSTATE, or the class that its first two characters name (manual of Postgres, appendix A), longest first. */
const MEANINGS: Readonly<Record<string, ServerFailure>> = {
  '28': {
    code: 'SOURCE_DENIED',
    received: 'refuses the user or the password',
    expected: 'a login that the server accepts',
    next: 'correct the user and password in source.connection, or let the server accept it (pg_hba.conf)',
  },
  '42501': {
    code: 'SOURCE_DENIED',
    received: 'does not let this user read what the job names',
    expected: 'the right to read it',
    next: 'GRANT USAGE ON SCHEMA and GRANT SELECT ON the table to the user, and BYPASSRLS where row-level security hides rows',
  },
  '3D': {
    code: 'SOURCE_NOT_FOUND',
    received: 'has no such database',
    expected: 'a database that the server has',
    next: 'correct the database in source.connection',
  },
  '42P01': {
    code: 'SOURCE_NOT_FOUND',
    received: 'has no table of that name any more',
    expected: 'the table to stay while it is read',
    next: 'create it again, or remove it from source.objects',
  },
  '42703': {
    code: 'SOURCE_CHANGED',
    received: 'has no column of that name any more',
    expected: 'the columns to stay while a table is read',
    next: 'start the run again: it plans with the columns as they are now',
  },
  '42601': {
    code: 'SOURCE_UNREADABLE',
    received: 'does not understand source.query',
    expected: 'one SELECT in the SQL of Postgres, without a semicolon',
    next: 'correct source.query',
  },
  '57014': {
    code: 'SOURCE_UNREADABLE',
    received: 'ended a statement that took longer than it may',
    expected: 'an answer within source.statement_timeout_seconds',
    next: 'raise source.statement_timeout_seconds',
  },
  '55P03': {
    code: 'SOURCE_UNREACHABLE',
    received: 'has the table locked by somebody else',
    expected: 'a lock within source.lock_timeout_seconds',
    next: 'wait for the other work, or raise source.lock_timeout_seconds; it is tried again',
  },
  '53300': {
    code: 'SOURCE_UNREACHABLE',
    received: 'has no connection left',
    expected: 'one for each chunk that is read at once',
    next: 'lower source.parallel_chunks and source.parallel_objects, or raise max_connections there; it is tried again',
  },
  '57P': {
    code: 'SOURCE_UNREACHABLE',
    received: 'is starting, stopping, or has closed the connection',
    expected: 'a server that answers',
    next: 'wait until it is up; it is tried again',
  },
  '08': {
    code: 'SOURCE_UNREACHABLE',
    received: 'broke the connection',
    expected: 'a server that answers',
    next: 'check the server and the network; it is tried again',
  },
  '40': {
    code: 'SOURCE_UNREACHABLE',
    received: 'gave the transaction up in favour of another',
    expected: 'a transaction that lasts until the rows are read',
    next: 'raise max_standby_streaming_delay if it is a replica; it is tried again',
  },
  '53': {
    code: 'SOURCE_UNREACHABLE',
    received: 'lacks memory or disk',
    expected: 'a server that can answer',
    next: 'free some there; it is tried again',
  },
};

const NO_TLS: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'offers no encrypted connection',
  expected: 'TLS, which a server on another machine has to have',
  next: 'turn ssl on there, or add sslmode=disable to source.connection',
};

const WRONG_CERTIFICATE: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'shows a certificate that cannot be trusted, or is of another name',
  expected: 'one of a known authority for the host in source.connection',
  next: 'add sslrootcert=<file of the authority> to source.connection, or correct the host',
};

/** What Node says of a certificate: the server is not who it should be, or uses an authority that nobody told us. */
export const CERTIFICATE = /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|CERT_|ERR_TLS_CERT)/;
/** The client library has no code for it. */
const TLS_REFUSED = 'The server does not support SSL connections';
const PASSWORD_MISSING = /^SASL: .* client password must be a(?: non-empty)? string/;

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Of SQLSTATEs, which have five characters; what Node names is longer. */
function meaningOf(error: Error): ServerFailure | undefined {
  if (error.message === TLS_REFUSED) return NO_TLS;
  if (PASSWORD_MISSING.test(error.message)) return NO_PASSWORD;
  const code = codeOf(error);
  if (CERTIFICATE.test(code)) return WRONG_CERTIFICATE;
  if (code.length !== 5 || !/^[0-9A-Z]{5}$/.test(code)) return NO_ANSWER;
  return [5, 3, 2].map((length) => MEANINGS[code.slice(0, length)]).find((meaning) => meaning !== undefined);
}

/** The user or the password is not the one that the server knows (SQLSTATE class 28). */
export function isLoginRefused(error: unknown): boolean {
  return error instanceof Error && codeOf(error).startsWith('28');
}

const OUR_OWN = ['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'ZodError'];

const states = new WeakMap<DativoError, string>();

/** The SQLSTATE behind an error of ours; undefined where there was none. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof DativoError ? states.get(error) : undefined;
}

/** An error of the client library or the server without its text. `shown` names the database, and the object if there is one. */
export function postgresError(error: unknown, shown: string): unknown {
  // A fault of our own is none of the server's.
  if (error instanceof DativoError || !(error instanceof Error) || OUR_OWN.includes(error.constructor.name))
    return error;
  const translated = translate(error, shown);
  states.set(translated, codeOf(error));
  return translated;
}

const NO_PASSWORD: ServerFailure = {
  code: 'SOURCE_DENIED',
  received: 'asks for a password',
  expected: 'one in source.connection',
  next: 'write postgresql://user:password@host:5432/database, with the password in a variable',
};

function translate(error: Error, shown: string): DativoError {
  const meaning = meaningOf(error);
  if (meaning !== undefined) return failureOf(shown, meaning);
  return fail('SOURCE_UNREADABLE', {
    received: `${shown} refuses a query with SQLSTATE ${codeOf(error)}`,
    expected: 'a query that it can answer',
    next: 'look the code up in the manual of Postgres (appendix A)',
  });
}
