import path from 'node:path';
import type { Column } from '../contracts/schema.ts';

/** What `dativo init` was asked for. */
export interface InitRequest {
  /** A file, or the variable that holds the address of a database. */
  readonly from: string;
  readonly asset: string | undefined;
  /** The job file. */
  readonly out: string | undefined;
  readonly objects: readonly string[];
  readonly schema: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** Where the files go, before anything is looked at, and how to make them. */
export interface InitPlan {
  readonly asset: string;
  /** As the user would name it. */
  readonly jobFile: string;
  /** Absolute. */
  readonly contractFile: string;
  write(): Promise<InitTexts>;
}

export interface InitTexts {
  readonly job: string;
  readonly contract: string;
  readonly columns: readonly Column[];
  /** How the source is read, in plain words. */
  readonly notes: readonly string[];
}

export function placesOf(asset: string, out: string | undefined) {
  const jobFile = out ?? `${asset}.yaml`;
  return {
    jobFile,
    folder: path.dirname(path.resolve(jobFile)),
    /** Relative to the job file. */
    contract: path.join('contracts', `${asset}.odcs.yaml`),
  };
}
