import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Checkpoint, SourceChunk } from '../connectors/connector.ts';
import type { MergeRule } from '../connectors/duckdb/merge-sql.ts';
import type { WrittenFile } from '../connectors/duckdb/parquet-file.ts';
import type { ColumnLineage } from '../connectors/duckdb/transform.ts';
import type { Merged, SinkChange, WritePlan } from '../connectors/sink.ts';
import type { Storage } from '../connectors/storage/storage.ts';
import { inFolder } from '../connectors/storage/storage.ts';
import { fail } from '../contracts/errors.ts';
import { chunkId } from '../contracts/ids.ts';
import type { JsonReference, ObjectRun, RowCounts } from '../contracts/run.ts';
import type { StreamSchema } from '../contracts/schema.ts';

/** Everything that was decided before the first row was read; the extract and commit activities follow it. */
export interface ObjectPlan {
  /** The columns as the source gives them, with the types that they are read as. */
  readonly readSchema: StreamSchema;
  readonly target: WritePlan;
  readonly quarantine: WritePlan;
  readonly chunks: readonly SourceChunk[];
  readonly nextCheckpoint: Checkpoint;
  /** `moves` with the rows that were read; a window leaves it as it is, or has it `marked` as `nextCheckpoint` is. */
  readonly checkpoint: 'moves' | 'marked' | 'stays';
  readonly mode: SinkChange['mode'];
  /** How an upsert finds the rows that it replaces. */
  readonly rule?: MergeRule;
  /** An upsert that leaves nothing of the table's content. */
  readonly replaces?: boolean;
  readonly lineage: readonly ColumnLineage[];
  /** The moment of the source that was planned at, and is read at. */
  readonly snapshot?: string;
}

/** What one attempt at one chunk left in the tables' locations. Holds bounds, so it never leaves the lake. */
export interface StagedChunk {
  readonly files: readonly WrittenFile[];
  readonly quarantineFiles: readonly WrittenFile[];
  readonly counts: RowCounts;
  readonly highestCursor?: string;
  /** What the source remembers of the chunk, for its checkpoint. */
  readonly memory?: Readonly<Record<string, unknown>>;
}

const SNAPSHOT_FILE = 'snapshot.json';
const heldSchema = z.object({ name: z.string() });

/** URI of the folder with the working folders of all runs. */
export function workingFolders(workFolder: string): string {
  return inFolder(workFolder, 'work');
}

/**
 * The folder of one run, `<lake>/_dativo/work/<run>/`: what its activities tell each other and Temporal must not
 * see. It is removed when the run has been recorded.
 */
export class WorkingFolder {
  readonly #storage: Storage;
  readonly #folder: string;

  constructor(storage: Storage, workFolder: string, runId: string) {
    this.#storage = storage;
    this.#folder = inFolder(workingFolders(workFolder), runId);
  }

  /** Named by its digest: a plan that is made again is a file of its own, and the first keeps its meaning. */
  async writePlan(object: string, plan: ObjectPlan): Promise<JsonReference> {
    const text = JSON.stringify(plan);
    const sha256 = digest(text);
    const uri = inFolder(this.#folder, object, `plan-${sha256.slice(0, 16)}.json`);
    await this.#storage.writeIfAbsent(uri, text);
    return { uri, sha256 };
  }

  async readPlan(reference: JsonReference): Promise<ObjectPlan> {
    return (await readReferenced(this.#storage, reference)) as ObjectPlan;
  }

  /** Replaces a description that the same attempt wrote before. */
  async writeStaged(run: ObjectRun, chunk: number, attempt: number, staged: StagedChunk): Promise<void> {
    await this.#storage.replace(this.#stagedUri(run, chunk, attempt), JSON.stringify(staged));
  }

  async readStaged(run: ObjectRun, chunk: number, attempt: number): Promise<StagedChunk> {
    const uri = this.#stagedUri(run, chunk, attempt);
    const content = await this.#storage.read(uri);
    if (content === undefined) throw missing(uri);
    return JSON.parse(content.toString()) as StagedChunk;
  }

  /** Named by its attempt, so that the one whose reference counts is never replaced by a late one. */
  async writeMerged(run: ObjectRun, turn: number, attempt: number, merged: Merged): Promise<JsonReference> {
    const text = JSON.stringify(merged);
    const uri = inFolder(this.#folder, run.object, `r${run.round}-merge${turn}-${attempt}.json`);
    await this.#storage.replace(uri, text);
    return { uri, sha256: digest(text) };
  }

  async readMerged(reference: JsonReference): Promise<Merged> {
    return (await readReferenced(this.#storage, reference)) as Merged;
  }

  /** Replaces the name of a snapshot that was lost. */
  async writeSnapshot(name: string): Promise<void> {
    await this.#storage.replace(inFolder(this.#folder, SNAPSHOT_FILE), JSON.stringify({ name }));
  }

  async readSnapshot(): Promise<string | undefined> {
    const content = await this.#storage.read(inFolder(this.#folder, SNAPSHOT_FILE));
    return content && heldSchema.parse(JSON.parse(content.toString())).name;
  }

  /** What a maintenance keeps between its activities; named by its digest, so that nothing is ever replaced. */
  async write(name: string, value: unknown): Promise<JsonReference> {
    const text = JSON.stringify(value);
    const sha256 = digest(text);
    const uri = inFolder(this.#folder, `${name}-${sha256.slice(0, 16)}.json`);
    await this.#storage.writeIfAbsent(uri, text);
    return { uri, sha256 };
  }

  /** What one attempt at a piece of work came to; replaces what the same attempt wrote before. */
  async writeAttempt(name: string, attempt: number, value: unknown): Promise<void> {
    await this.#storage.replace(this.#attemptUri(name, attempt), JSON.stringify(value));
  }

  async readAttempt(name: string, attempt: number): Promise<unknown> {
    const uri = this.#attemptUri(name, attempt);
    const content = await this.#storage.read(uri);
    if (content === undefined) throw missing(uri);
    return JSON.parse(content.toString());
  }

  async removeObject(object: string): Promise<void> {
    await this.#removeBelow(inFolder(this.#folder, object));
  }

  async removeRun(): Promise<void> {
    await this.#removeBelow(this.#folder);
  }

  async #removeBelow(folder: string): Promise<void> {
    const within = this.#folder.slice(0, this.#folder.lastIndexOf('/'));
    const uris = (await this.#storage.list(folder)).map(({ uri }) => uri);
    await this.#storage.remove(uris, within);
  }

  #attemptUri(name: string, attempt: number): string {
    return inFolder(this.#folder, `${name}-${attempt}.json`);
  }

  #stagedUri(run: ObjectRun, chunk: number, attempt: number): string {
    return inFolder(this.#folder, run.object, `${stagedName(run, chunk)}-${attempt}.json`);
  }
}

/** A chunk of one round: what an earlier round staged is never taken for this one's. */
export function stagedName(run: ObjectRun, chunk: number): string {
  return `r${run.round}-${chunkId(chunk)}`;
}

/** The JSON that a reference names, if it still is what was referred to. Throws JOB_DIGEST_MISMATCH if not. */
export async function readReferenced(storage: Storage, reference: JsonReference): Promise<unknown> {
  const content = await storage.read(reference.uri);
  if (content === undefined) throw missing(reference.uri);
  if (digest(content) !== reference.sha256) {
    throw fail('JOB_DIGEST_MISMATCH', {
      received: `${reference.uri} with another content than it had when the run was started`,
      expected: `SHA-256 ${reference.sha256}`,
      next: 'start the run again, and leave the files below _dativo alone',
    });
  }
  return JSON.parse(content.toString());
}

function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function missing(uri: string) {
  return fail('STORAGE_IO', {
    received: `no file ${uri}`,
    expected: 'the file that an earlier step of the run left there',
    next: 'check that every worker sees the same warehouse, then start the run again',
  });
}
