import { createHash } from 'node:crypto';
import type { Checkpoint, SourceChunk } from '../connectors/connector.ts';
import type { WrittenFile } from '../connectors/duckdb/parquet-file.ts';
import type { ColumnLineage } from '../connectors/duckdb/transform.ts';
import type { WritePlan } from '../connectors/sink.ts';
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
  /** False for a window: the checkpoint stays where it is. */
  readonly movesCheckpoint: boolean;
  readonly mode: 'append' | 'replace';
  readonly lineage: readonly ColumnLineage[];
}

/** What one attempt at one chunk left in the tables' locations. Holds bounds, so it never leaves the lake. */
export interface StagedChunk {
  readonly files: readonly WrittenFile[];
  readonly quarantineFiles: readonly WrittenFile[];
  readonly counts: RowCounts;
  readonly highestCursor?: string;
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
    this.#folder = inFolder(workFolder, 'work', runId);
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

  async removeObject(object: string): Promise<void> {
    await this.#removeBelow(inFolder(this.#folder, object));
  }

  async removeRun(): Promise<void> {
    await this.#removeBelow(this.#folder);
  }

  async #removeBelow(folder: string): Promise<void> {
    const within = this.#folder.slice(0, this.#folder.lastIndexOf('/'));
    for (const file of await this.#storage.list(folder)) await this.#storage.remove(file.uri, within);
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
