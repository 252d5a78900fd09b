import type { Timing } from './fire-times.ts';
import type { Overlap } from './job-schedule.ts';
import type { IngestInput, RunFailure, RunMode, RunState } from './run.ts';

/**
 * What schedules and the workflows that they start tell each other. Plain JSON; every type only ever grows optional
 * fields.
 */

/** How long a run waits before it asks again whether the asset is free; each with a default in the workflow. */
export interface TurnTimeouts {
  readonly firstWaitMs?: number;
  readonly longestWaitMs?: number;
}

/** A run of a job, but for what it reads. */
export interface ScheduledJob extends Omit<IngestInput, 'options'> {
  readonly connector: string;
}

export interface ScheduledIngestInput {
  readonly job: ScheduledJob;
  readonly mode: RunMode;
  readonly overlap: Overlap;
  /** Gives `window` its bounds. */
  readonly timing: Timing;
  readonly turn?: TurnTimeouts;
}

export interface ScheduledIngestResult {
  /** `skipped`: another run of the asset went on. */
  readonly state: RunState | 'skipped';
  /** Of the run that was started. */
  readonly runId?: string;
}

/** What a workflow says about itself while another run of the asset goes on and it waits for its turn. */
export const WAITING = 'waiting for the end of the run that goes on';

/** A span of time as the text that `--from` and `--to` take. */
export interface TextWindow {
  readonly from: string;
  readonly to: string;
}

export interface LastWindowInput {
  readonly timing: Timing;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface WindowsInput {
  readonly timing: Timing;
  /** Milliseconds since 1970: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

export interface WindowsResult {
  readonly windows: readonly TextWindow[];
  /** Where the next windows start, in milliseconds since 1970; absent when these were the last. */
  readonly next?: number;
}

/** What becomes of a window whose turn comes while another run of the asset goes on. */
export type BackfillOverlap = Exclude<Overlap, 'buffer_one'>;

export interface BackfillInput {
  readonly job: ScheduledJob;
  readonly timing: Timing;
  /** Milliseconds since 1970: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly overlap: BackfillOverlap;
  /** How many windows there are, for those who look on. */
  readonly windows: number;
  /** What was done before, when a long backfill goes on in a new execution. */
  readonly done?: BackfillTally;
  /** Windows that one execution works on before it hands over to the next; default in the workflow. */
  readonly windowsPerExecution?: number;
  /** After so many failed windows the rest is left; default in the workflow. */
  readonly maxFailures?: number;
  readonly turn?: TurnTimeouts;
}

export interface BackfillTally {
  /** Windows by what became of them. `present`: the table had rows in them already, and was left as it is. */
  readonly committed: number;
  readonly empty: number;
  readonly present: number;
  readonly skipped: number;
  readonly failed: number;
  readonly rows: number;
  /** The first few. */
  readonly failures: readonly WindowFailure[];
}

export interface WindowFailure extends TextWindow, RunFailure {}

export interface BackfillResult extends BackfillTally {
  readonly state: 'success' | 'partial' | 'failed';
  /** Windows that were left because too many had failed before. */
  readonly left: number;
}

export const NO_WINDOWS: BackfillTally = {
  committed: 0,
  empty: 0,
  present: 0,
  skipped: 0,
  failed: 0,
  rows: 0,
  failures: [],
};
