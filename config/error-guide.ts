import type { ErrorCode } from '../contracts/errors.ts';

/**
 * What somebody who meets an error can do about it: the documentation's part of the catalogue. The message itself names
 * the file, table or variable; this says how to go about it.
 */
export const ERROR_GUIDE: Readonly<Record<ErrorCode, string>> = {
  JOB_FILE_UNREADABLE: 'Check the path and the rights of the file: `ls -l <file>`.',
  JOB_FILE_SYNTAX: 'Correct the line and column that the message names, then `dativo validate <file>`.',
  JOB_FILE_INVALID:
    'Correct the key or value that the message names: it lists what is allowed, and the nearest known name. An editor with `dativo schema` shows the same while you type.',
  NOT_AVAILABLE_YET: 'Leave that key out, or use what the message offers instead.',
  VARIABLE_UNSET:
    'Set the variable where the job runs (the worker, when a Temporal server is configured), or give it a default: `${NAME:-value}`.',
  SECRET_FILE_UNREADABLE:
    'Create the file, or correct its path (relative to the job file) or its rights. It must be on the machine of the worker.',
  SECRET_NOT_FOUND:
    'Compare the name in the job with the store: `vault kv get <path>` or `aws secretsmanager describe-secret`. Vault answers the same for what the token may not see.',
  SECRET_DENIED:
    'Give the worker credentials that the store accepts, and them the right to read the secret. See [secrets](guides/secrets.md).',
  SECRET_STORE_UNSET: 'Set what the message names in the environment of the worker. See [secrets](guides/secrets.md).',
  SECRET_STORE_UNAVAILABLE:
    'Nothing while Dativo retries. If it stays, check the store (is it sealed?) and the network from the machine of the worker.',
  JOB_DIGEST_MISMATCH: 'Run the job again. Do not edit files below `<warehouse>/_dativo`.',
  CONTRACT_UNREADABLE: 'Check `asset_path` (relative to the job file) and the rights of the contract.',
  CONTRACT_INVALID: 'Correct the contract at the line that the message names, then `dativo validate <job file>`.',
  TRANSFORMATION_INVALID:
    'Compare the step with the columns of the source: `dativo validate <job file> --sample` shows them.',
  UNKNOWN_CONNECTOR: 'Use one of the connectors that the message lists.',
  LAYOUT_INVALID:
    'Name columns that the run brings, with a transform that their type allows. Where files of an earlier partitioning are in the way, run once with `--full-refresh`.',
  CURSOR_FIELD_UNKNOWN:
    'Name a column that can be ordered (of files: numbers, dates or times) in `source.incremental.cursor_field`: `dativo validate <job file> --sample` shows the columns.',
  SOURCE_NOT_FOUND:
    'Check `source.path`: it is relative to the job file, and a glob must match at least one file. Of a database: `dativo discover <job file>` lists what is there.',
  SOURCE_UNREADABLE: 'Give the user of the worker the right to read the file, and copy a damaged one again.',
  SOURCE_UNREACHABLE:
    'Nothing while Dativo retries. If it stays, check the address and the network from the machine of the worker.',
  SOURCE_DENIED:
    'Try the same user and address with the client of the database. See the guide of the database for the rights that it needs.',
  TYPE_UNSUPPORTED:
    'Keep the columns that the message names as text or leave them out with `source.unsupported_types`, or give them a type in `source.types`.',
  SNAPSHOT_LOST:
    'Nothing: the object begins again by itself. If it stays, look whether the database or a worker is restarted over and over.',
  SNAPSHOT_PENDING:
    'Nothing while Dativo retries. If it stays, look at the activity `holdSnapshot` of the run in Temporal.',
  SOURCE_EMPTY: 'Check what writes the files. Where an empty file is normal, give the columns in a contract.',
  SOURCE_NOT_CSV: 'Name a CSV file in `source.path`, or give `source.delimiter` and `source.encoding`.',
  DUPLICATE_COLUMN: 'Rename one of the two columns in the source; the case of letters does not count.',
  SOURCE_CHANGED:
    'Run the job again when the file is complete. Write new files under another name and rename them when they are done.',
  SOURCE_MISCOUNTED: 'Nothing: the next attempt reads the files another way.',
  SCHEMA_MISMATCH:
    'Correct the source or the contract, or set `schema_mode: warn` so that the table follows. `dativo run <job file> --dry-run` shows the differences and writes nothing.',
  PRIMARY_KEY_INVALID: 'Name the columns that identify a row in `target.primary_key`, or mark them in the contract.',
  SNAPSHOT_NOT_FOUND: 'List the snapshots, tags and branches with `dativo snapshots <table>`, and name one of them.',
  REFERENCE_INVALID:
    'Choose another name, or drop the tag or branch that has it with `dativo snapshots <table> drop <name>`.',
  DUPLICATE_KEY: 'Set `target.latest_by` to a column that tells which row is the newer, or correct the primary key.',
  TOO_MANY_BAD_ROWS:
    'The message names the last one with its reason. Correct the source, its types or `source.null_strings`; or raise `source.max_bad_rows`, and find all of them with their reasons in `<table>__quarantine`.',
  SUM_MISMATCH: 'Nothing was committed. Report it with the job file and the form of the source.',
  DEPLOYMENT_INCOMPLETE:
    'Start workers of the new build on every host that has some of the old one, then start one with `--promote` again.',
  WINDOW_NOT_EMPTY:
    'Choose a window without rows, delete those rows first, or write everything anew with `--full-refresh`.',
  WINDOWS_AHEAD:
    'Go on with `--from` and `--to`, write everything anew with `--full-refresh`, or let the job upsert by a primary key: then rows that come twice are one.',
  TABLE_NOT_OURS: 'Choose another `asset`, `target.namespace` or `target.warehouse`, or move what is there away.',
  TABLE_NEWER: 'Use the version of Dativo that wrote the table, or a newer one.',
  TABLE_OWNED:
    'Give the job another `asset` or `target.namespace`. Where several jobs are meant to fill one table, set `target.shared: true` in each: each keeps a checkpoint of its own.',
  TABLE_NOT_FOUND:
    'List the tables with `dativo query "show tables"`; name another lake with `--warehouse` or `--job`.',
  TABLE_CHANGED: 'Run the job again: nothing of this run was committed.',
  MAINTENANCE_REFUSED:
    'Nothing was changed by that step. Do what the message says, or let the engine that wrote the table maintain it.',
  COMMIT_CONFLICT:
    'Nothing while Dativo retries. If a run fails with it, let fewer jobs write to one table at once, and run it again.',
  COMMIT_STATE_UNKNOWN:
    'Nothing while Dativo retries: the next attempt asks the catalog whether the commit is there, and does not commit twice. If a run fails with it, wait until the catalog answers (`dativo snapshots <table>` shows it), then run the job again: what landed is recognised by the checkpoint that landed with it.',
  CATALOG_UNAVAILABLE:
    'Nothing while Dativo retries. If it stays, check that the catalog runs and `target.catalog.uri`.',
  CATALOG_DENIED: 'Correct the credentials in `target.catalog`, or give them the right to the warehouse and the table.',
  CATALOG_NOT_FOUND: 'Correct `target.catalog.uri`, its warehouse or its reference.',
  CATALOG_REFUSED:
    'Check that the catalog speaks the protocol of `target.catalog.type`; report it with the name and version of the catalog.',
  CATALOG_BUSY: 'Nothing while Dativo retries. If it stays, end the program that keeps the catalog locked.',
  STORAGE_FULL: 'Free some space, or move the warehouse or `TMPDIR` to a larger disk, then run the job again.',
  STORAGE_DENIED: 'Give the user of the worker the right to read and write the place that the message names.',
  STORAGE_NOT_FOUND: 'Create the bucket, or correct its name, `target.storage.region` or `target.storage.endpoint`.',
  STORAGE_KEYS_REFUSED:
    'Correct the access keys in `target.storage`, or those that the machine has (environment, profile, role).',
  STORAGE_CLOCK_SKEW: 'Set the clock of the machine that the worker runs on, best by NTP.',
  STORAGE_UNREACHABLE: 'Nothing while Dativo retries. If it stays, check `target.storage.endpoint` and the network.',
  STORAGE_IO: 'Nothing while Dativo retries. If it stays, check that the disk or the object store is healthy.',
  OUT_OF_MEMORY:
    'Raise `DATIVO_MEMORY` on the worker, lower `DATIVO_HEAVY_ACTIVITIES`, or narrow the window functions of the job.',
  QUERY_INVALID: 'Correct the query: `dativo query "show tables"` and `"describe <table>"` tell the names.',
  USAGE: 'See `dativo <command> --help`.',
  PORT_IN_USE: 'Choose another port, or leave the option out to have a free one chosen.',
  SERVER_UNAVAILABLE:
    "Install Temporal's CLI or Go, or set `TEMPORAL_ADDRESS`. When a server ended by itself, `.dativo/server.log` says why.",
  SERVER_UNREACHABLE:
    'Check `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE` and the credentials; unset them to use the built-in dev server.',
  NAMESPACE_NOT_FOUND:
    'Correct TEMPORAL_NAMESPACE or the profile, or create the namespace with `temporal operator namespace create`.',
  SEARCH_ATTRIBUTES_MISSING:
    'Let somebody with the right to it create them, as docs/guides/temporal.md says; then start again.',
  RUN_NOT_FOUND: 'List the runs with `dativo runs`, in the folder that jobs are run from.',
  SCHEDULE_NOT_FOUND: 'Create the schedules of a folder of jobs with `dativo apply <folder>`.',
  SCHEDULE_NOT_OURS:
    'Apply the folder under the project that the schedule belongs to (`--project`), or delete the schedule in Temporal.',
  ALREADY_RUNNING: 'Wait until it has ended, or end it as the message says.',
  CANCELLED: 'Start it again with `dativo run <job file>`: it begins where the last commit left off.',
  PAYLOAD_TOO_LARGE: 'Report it with the job file.',
  UNEXPECTED:
    'Run it again with `DATIVO_DEBUG=1` and report what it prints; look through it first, for it may quote what the command was working on. Of a run, Temporal shows where it failed.',
};
