/**
 * Every failure that Dativo can name. One class per kind that a caller handles differently, one code per cause.
 * A message says what was received, what was expected and what to do next; it never holds a row's value, so a
 * driver's own text is never passed on: it is rebuilt from names (file, table, column, code).
 */
export type ErrorKind = 'config' | 'data' | 'transient' | 'rate_limit' | 'permanent' | 'bug';

/** The closed catalogue: code → kind and meaning. The error table of the documentation is generated from it. */
export const ERROR_CATALOGUE = {
  JOB_FILE_UNREADABLE: { kind: 'config', meaning: 'The job file does not exist or cannot be read.' },
  JOB_FILE_SYNTAX: { kind: 'config', meaning: 'The job file is not valid YAML.' },
  JOB_FILE_INVALID: { kind: 'config', meaning: 'The job file has unknown keys or values that are not allowed.' },
  NOT_AVAILABLE_YET: {
    kind: 'config',
    meaning: 'The job uses a part of the vocabulary that this version does not run yet.',
  },
  VARIABLE_UNSET: { kind: 'config', meaning: 'A ${VARIABLE} in the job has no value where the job runs.' },
  SECRET_FILE_UNREADABLE: { kind: 'config', meaning: 'A ${file:path} in the job cannot be read.' },
  SECRET_NOT_FOUND: { kind: 'config', meaning: 'A secret that the job names is not in its store, or has no such key.' },
  SECRET_DENIED: { kind: 'config', meaning: 'A store of secrets refuses the credentials, or to show a secret.' },
  SECRET_STORE_UNSET: {
    kind: 'config',
    meaning: 'The job names a store of secrets, and nothing says where it is or how to log in there.',
  },
  SECRET_STORE_UNAVAILABLE: { kind: 'transient', meaning: 'A store of secrets cannot be reached, or fails.' },
  JOB_DIGEST_MISMATCH: { kind: 'config', meaning: 'The stored job is not the one that the run was started with.' },
  CONTRACT_UNREADABLE: { kind: 'config', meaning: 'The contract file does not exist or is not valid YAML.' },
  CONTRACT_INVALID: {
    kind: 'config',
    meaning: 'The contract is not a valid ODCS document, or does not describe this asset.',
  },
  TRANSFORMATION_INVALID: {
    kind: 'config',
    meaning: 'A transformation does not fit the columns that it is applied to.',
  },
  UNKNOWN_CONNECTOR: { kind: 'config', meaning: 'No connector of that name can do what the job asks.' },
  LAYOUT_INVALID: {
    kind: 'config',
    meaning: 'partition_by, sort_by or overwrite does not fit the columns, or the files that the table has.',
  },
  CURSOR_FIELD_UNKNOWN: {
    kind: 'config',
    meaning: 'The cursor field of an incremental job is not a column of the source, or cannot be ordered.',
  },
  SOURCE_NOT_FOUND: { kind: 'config', meaning: 'No file or object matches what the job names as its source.' },
  SOURCE_UNREADABLE: { kind: 'config', meaning: 'A source file or object exists but cannot be opened.' },
  SOURCE_UNREACHABLE: {
    kind: 'transient',
    meaning: 'The server of a source does not answer, or answers with a failure that may pass.',
  },
  SOURCE_DENIED: {
    kind: 'config',
    meaning: 'A server refuses the credentials, cannot be trusted, or does not let this user read what the job names.',
  },
  TYPE_UNSUPPORTED: {
    kind: 'config',
    meaning: 'A column has a type that the lake cannot hold exactly, and the job says to refuse it.',
  },
  SNAPSHOT_LOST: {
    kind: 'permanent',
    meaning: 'The moment that a run reads a database at is gone; the object is begun again at another one.',
  },
  SNAPSHOT_PENDING: {
    kind: 'transient',
    meaning: 'The moment that a run reads a database at is not fixed yet.',
  },
  SOURCE_EMPTY: { kind: 'data', meaning: 'The source holds nothing that a schema can be derived from.' },
  SOURCE_NOT_CSV: { kind: 'data', meaning: 'A source file does not hold delimited text.' },
  DUPLICATE_COLUMN: { kind: 'data', meaning: 'Two columns of a source have one name.' },
  SOURCE_CHANGED: { kind: 'data', meaning: 'A source file changed between planning and reading.' },
  SOURCE_MISCOUNTED: {
    kind: 'transient',
    meaning: 'Fewer or more rows were read than the source holds; the next attempt reads it another way.',
  },
  SCHEMA_MISMATCH: { kind: 'data', meaning: 'The columns of the source do not fit the contract or the table.' },
  PRIMARY_KEY_INVALID: {
    kind: 'config',
    meaning: 'An upsert has no primary key, or one that is not made of columns of the table.',
  },
  DUPLICATE_KEY: {
    kind: 'data',
    meaning: 'Two rows of one upsert have the same primary key, and nothing says which of them is the newer.',
  },
  TOO_MANY_BAD_ROWS: { kind: 'data', meaning: 'More rows were malformed than max_bad_rows allows.' },
  SUM_MISMATCH: {
    kind: 'bug',
    meaning: 'Rows read do not equal rows committed, quarantined, dead-lettered and skipped.',
  },
  DEPLOYMENT_INCOMPLETE: {
    kind: 'config',
    meaning: 'A build cannot be given new runs, because its workers are not where those of the current one are.',
  },
  WINDOW_NOT_EMPTY: { kind: 'config', meaning: 'A run over a window would add rows that the table has already.' },
  WINDOWS_AHEAD: {
    kind: 'config',
    meaning: 'A run that goes on from the last one would add rows that runs over windows have brought.',
  },
  TABLE_NOT_OURS: {
    kind: 'config',
    meaning: 'A table or folder of that name exists that Dativo did not write and cannot extend.',
  },
  TABLE_NEWER: { kind: 'config', meaning: 'The table was written in a newer format than this version understands.' },
  TABLE_OWNED: { kind: 'config', meaning: 'Another job fills the table, and neither said that they share it.' },
  TABLE_NOT_FOUND: { kind: 'config', meaning: 'The lake has no table of that name.' },
  SNAPSHOT_NOT_FOUND: {
    kind: 'config',
    meaning: 'The table has no snapshot, tag or branch of that name, or had none at that time.',
  },
  REFERENCE_INVALID: { kind: 'config', meaning: 'A tag or branch cannot be made, moved or dropped as asked.' },
  TABLE_CHANGED: {
    kind: 'permanent',
    meaning: 'Another writer changed the table in a way that makes the staged work stale.',
  },
  MAINTENANCE_REFUSED: {
    kind: 'permanent',
    meaning: 'A step of the maintenance of a table does not know how to deal with it, or must not.',
  },
  COMMIT_CONFLICT: { kind: 'transient', meaning: 'Another writer committed first.' },
  COMMIT_STATE_UNKNOWN: { kind: 'transient', meaning: 'The catalog did not answer whether the commit landed.' },
  CATALOG_UNAVAILABLE: { kind: 'transient', meaning: 'The catalog cannot be reached or opened.' },
  CATALOG_DENIED: { kind: 'config', meaning: 'The catalog refuses the credentials, or what is asked for with them.' },
  CATALOG_NOT_FOUND: {
    kind: 'config',
    meaning: 'The address of the catalog leads to none, or the catalog knows no such warehouse or reference.',
  },
  CATALOG_REFUSED: { kind: 'permanent', meaning: 'The catalog calls a request invalid that it should understand.' },
  CATALOG_BUSY: { kind: 'transient', meaning: 'The catalog is locked by another writer.' },
  STORAGE_FULL: { kind: 'permanent', meaning: 'The disk that holds the lake or the temporary files is full.' },
  STORAGE_DENIED: {
    kind: 'config',
    meaning: 'The lake or a temporary folder may not be read or written by this user.',
  },
  STORAGE_NOT_FOUND: { kind: 'config', meaning: 'The bucket does not exist, or not in that region.' },
  STORAGE_KEYS_REFUSED: { kind: 'config', meaning: 'The object store does not accept the access keys.' },
  STORAGE_CLOCK_SKEW: {
    kind: 'config',
    meaning: "This machine's clock differs too much from the object store's for its requests to be accepted.",
  },
  STORAGE_UNREACHABLE: { kind: 'transient', meaning: 'The object store cannot be reached.' },
  STORAGE_IO: { kind: 'transient', meaning: 'Reading or writing a file of the lake failed.' },
  OUT_OF_MEMORY: { kind: 'permanent', meaning: 'The work does not fit the memory budget of the worker.' },
  QUERY_INVALID: { kind: 'config', meaning: 'A SQL query is not valid or names an unknown table or column.' },
  USAGE: { kind: 'config', meaning: 'The command line is not valid.' },
  PORT_IN_USE: { kind: 'config', meaning: 'A port that a server was told to use is taken.' },
  SERVER_UNAVAILABLE: { kind: 'permanent', meaning: 'No Temporal server could be found, built or started.' },
  SERVER_UNREACHABLE: { kind: 'transient', meaning: 'The configured Temporal server does not answer.' },
  NAMESPACE_NOT_FOUND: { kind: 'config', meaning: 'The Temporal server has no namespace of the configured name.' },
  SEARCH_ATTRIBUTES_MISSING: {
    kind: 'config',
    meaning: 'The namespace lacks search attributes that Dativo may not create there.',
  },
  RUN_NOT_FOUND: { kind: 'config', meaning: 'No run of that id is known.' },
  SCHEDULE_NOT_FOUND: { kind: 'config', meaning: 'No job of that name has a schedule.' },
  SCHEDULE_NOT_OURS: {
    kind: 'config',
    meaning: 'The schedule of a job belongs to another project, or was not made by Dativo.',
  },
  ALREADY_RUNNING: { kind: 'config', meaning: 'What should be started goes on already.' },
  CANCELLED: { kind: 'permanent', meaning: 'The run was cancelled.' },
  PAYLOAD_TOO_LARGE: { kind: 'bug', meaning: 'A message between workflow and activity is larger than 64 KiB.' },
  UNEXPECTED: { kind: 'bug', meaning: 'Something happened that Dativo has no name for.' },
} as const satisfies Record<string, { kind: ErrorKind; meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** The three parts of every message; each a clause without a full stop. */
export interface ErrorParts {
  readonly received: string;
  readonly expected: string;
  readonly next: string;
}

/** The three parts as one sentence. */
export function errorSentence({ received, expected, next }: ErrorParts): string {
  return `${received}; expected ${expected}; ${next}${/[.?!]$/.test(next) ? '' : '.'}`;
}

export class DativoError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly parts: ErrorParts;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(errorSentence(parts));
    this.name = new.target.name;
    this.code = code;
    this.kind = ERROR_CATALOGUE[code].kind;
    this.parts = parts;
  }
}

/** The user's file, command line or environment is wrong: never retried. */
export class ConfigError extends DativoError {}
/** The data does not fit what was promised: never retried, nothing committed. */
export class DataError extends DativoError {}
/** Likely to pass: retried with backoff. */
export class TransientError extends DativoError {}
/** The other side asks for patience: retried when it says. */
export class RateLimitError extends DativoError {}
/** Retrying would not help: never retried. */
export class PermanentError extends DativoError {}
/** A fault of Dativo's own: loud, never retried. */
export class BugError extends DativoError {}

const CLASS_OF_KIND = {
  config: ConfigError,
  data: DataError,
  transient: TransientError,
  rate_limit: RateLimitError,
  permanent: PermanentError,
  bug: BugError,
} as const;

/** Builds the error of the class that its code's kind asks for. */
export function fail(code: ErrorCode, parts: ErrorParts): DativoError {
  return new CLASS_OF_KIND[ERROR_CATALOGUE[code].kind](code, parts);
}

export const RETRYABLE_KINDS: readonly ErrorKind[] = ['transient', 'rate_limit'];

/** Class names of errors that Temporal must not retry. */
export const NON_RETRYABLE_ERROR_TYPES: string[] = (Object.keys(CLASS_OF_KIND) as ErrorKind[])
  .filter((kind) => !RETRYABLE_KINDS.includes(kind))
  .map((kind) => CLASS_OF_KIND[kind].name);

/** True for an error of the operating system or Node with a code such as ENOENT. */
export function hasErrnoCode(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
