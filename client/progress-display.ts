import type { ObjectResult } from '../contracts/run.ts';
import type { ObjectView, RunView } from './progress.ts';
import { RateMeter } from './progress.ts';
import type { MeasuredObject } from './progress-lines.ts';
import { endLine, fitLines, liveLines, plainLine } from './progress-lines.ts';
import type { Output } from './terminal.ts';
import { painter } from './terminal.ts';

/** Where nothing can be redrawn, an object is heard of when its stage changes, and this often in between. */
const PLAIN_EVERY_MS = 5_000;

/** Shows runs as they go on: lines that are redrawn on a terminal, lines that follow each other elsewhere. */
export class ProgressDisplay {
  readonly #output: Output;
  readonly #now: () => number;
  readonly #objects = new Map<string, Tracked>();
  #severalRuns = false;
  #drawn = 0;
  #frame = 0;

  constructor(output: Output, now: () => number = Date.now) {
    this.#output = output;
    this.#now = now;
  }

  update(runs: readonly RunView[]): void {
    const now = this.#now();
    this.#severalRuns ||= runs.length > 1;
    const seen = runs.flatMap((run) => run.objects.map((object) => this.#measure(run, object, now)));
    if (this.#output.isTerminal) this.#redraw(seen.map(({ measured }) => measured));
    else for (const object of seen) this.#sayIfNew(object, now);
  }

  /** Writes a line of its own between the others. */
  say(line: string): void {
    this.clear();
    this.#output.write(`${line}\n`);
  }

  /** Takes back the lines that were drawn, before something else is written. */
  clear(): void {
    if (this.#drawn > 0) this.#output.write(`${UP(this.#drawn)}${ERASE_BELOW}`);
    this.#drawn = 0;
  }

  /** Tells how the objects of a run ended, those too that ended before they were seen at work. */
  conclude(asset: string, objects: readonly ObjectResult[]): void {
    if (this.#output.isTerminal) return;
    for (const result of objects) this.#sayEnd(this.#track(asset, result.object), this.#label(asset, result), result);
  }

  #track(asset: string, object: string): Tracked {
    const key = `${asset}/${object}`;
    const tracked = this.#objects.get(key) ?? newlyTracked();
    this.#objects.set(key, tracked);
    return tracked;
  }

  #label(asset: string, { object }: { readonly object: string }): string {
    return this.#severalRuns && asset !== object ? `${asset}/${object}` : object;
  }

  #measure(run: RunView, object: ObjectView, now: number): Seen {
    const tracked = this.#track(run.asset, object.object);
    if (object.stage !== 'waiting') tracked.startedAt ??= now;
    if (object.stage === 'done') tracked.endedAt ??= now;
    tracked.meter.observe(object.rows, now);
    const rowsPerSecond = tracked.meter.rate();
    const measured = {
      ...object,
      label: this.#label(run.asset, object),
      elapsedMs: (tracked.endedAt ?? now) - (tracked.startedAt ?? now),
      ...(rowsPerSecond === undefined ? {} : { rowsPerSecond }),
    };
    return { measured, tracked };
  }

  #redraw(objects: readonly MeasuredObject[]): void {
    const paint = painter(this.#output.isColoured);
    // A retry takes a second line.
    const room = Math.floor((this.#output.rows() - 2) / (objects.some(({ retry }) => retry) ? 2 : 1));
    const { shown, hidden } = fitLines(objects, Math.max(2, room));
    const more = hidden > 0 ? [paint.dim(`  and ${hidden} more`)] : [];
    const lines = [...liveLines(shown, this.#frame++, this.#output.columns() - 1, paint), ...more];
    this.#output.write(
      `${this.#drawn > 0 ? UP(this.#drawn) : ''}${lines.map((line) => `${ERASE_LINE}${line}\n`).join('')}${ERASE_BELOW}`,
    );
    this.#drawn = lines.length;
  }

  #sayIfNew({ measured: object, tracked }: Seen, now: number): void {
    if (object.stage === 'waiting' || tracked.hasEnded) return;
    if (object.result) this.#sayEnd(tracked, object.label, object.result);
    // Without its result its last figures are not known yet.
    if (object.stage === 'done') return;
    const state = `${object.stage} ${object.retry?.attempt ?? ''}`;
    const news = `${state} ${object.rows} ${object.chunksDone}`;
    const due = tracked.said.startsWith(`${state} `) ? now - tracked.saidAt >= PLAIN_EVERY_MS : true;
    if (tracked.said === news || !due) return;
    tracked.said = news;
    tracked.saidAt = now;
    this.#output.write(`${plainLine(object)}\n`);
  }

  #sayEnd(tracked: Tracked, label: string, result: ObjectResult): void {
    if (!tracked.hasEnded) this.#output.write(`${endLine(label, result)}\n`);
    tracked.hasEnded = true;
  }
}

interface Seen {
  readonly measured: MeasuredObject;
  readonly tracked: Tracked;
}

interface Tracked {
  readonly meter: RateMeter;
  startedAt: number | undefined;
  endedAt: number | undefined;
  said: string;
  saidAt: number;
  hasEnded: boolean;
}

function newlyTracked(): Tracked {
  return { meter: new RateMeter(), startedAt: undefined, endedAt: undefined, said: '', saidAt: 0, hasEnded: false };
}

// ECMA-48: cursor up, erase in line, erase in page.
const UP = (lines: number) => `\u001b[${lines}A\r`;
const ERASE_LINE = '\u001b[2K';
const ERASE_BELOW = '\u001b[J';
