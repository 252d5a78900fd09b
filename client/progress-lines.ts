import { formatCount, formatDuration, formatPlural } from '../contracts/figures.ts';
import type { ObjectResult } from '../contracts/run.ts';
import type { ObjectView } from './progress.ts';
import { cut, width } from './table.ts';
import type { Paint } from './terminal.ts';

/** An object with what was measured of it. */
export interface MeasuredObject extends ObjectView {
  /** `asset/object`, or the object alone. */
  readonly label: string;
  readonly rowsPerSecond?: number;
  readonly elapsedMs: number;
}

const BAR_WIDTH = 16;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const STAGE_WIDTH = 'committing'.length;

/** The lines that are redrawn on a terminal, one for each object, none wider than `columns`. */
export function liveLines(objects: readonly MeasuredObject[], frame: number, columns: number, paint: Paint): string[] {
  const labelWidth = Math.min(32, Math.max(...objects.map(({ label }) => width(label)), 0));
  return objects.flatMap((object) => {
    const sign =
      object.stage === 'done'
        ? endSign(object)
        : object.stage === 'waiting'
          ? '·'
          : (SPINNER[frame % SPINNER.length] ?? '·');
    const label = cut(object.label, labelWidth);
    const head = `${sign} ${label}${' '.repeat(labelWidth - width(label))}  ${stageWord(object).padEnd(STAGE_WIDTH)}`;
    const figures = [bar(object), ...figuresOf(object)].filter((part) => part !== '').join('  ');
    const line = cut(`${head}  ${figures}`.trimEnd(), columns);
    const retry = retryWords(object);
    return [colourOf(object, paint)(line), ...(retry ? [paint.warn(cut(`  ${retry}`, columns))] : [])];
  });
}

function stageWord({ stage, result }: MeasuredObject): string {
  return result?.state === 'failed' || result?.state === 'cancelled' ? result.state : stage;
}

function endSign({ result }: MeasuredObject): string {
  return result?.state === 'failed' || result?.state === 'cancelled' ? '✗' : '✓';
}

/** Lines that can be redrawn: no more than fit on the screen, because the cursor cannot go back above it. */
export function fitLines(
  objects: readonly MeasuredObject[],
  room: number,
): { shown: MeasuredObject[]; hidden: number } {
  if (objects.length <= room) return { shown: [...objects], hidden: 0 };
  const order = { waiting: 2, done: 1 } as const;
  const rank = ({ stage }: ObjectView) => (stage === 'waiting' || stage === 'done' ? order[stage] : 0);
  const chosen = new Set(objects.toSorted((a, b) => rank(a) - rank(b)).slice(0, room - 1));
  return { shown: objects.filter((object) => chosen.has(object)), hidden: objects.length - chosen.size };
}

/** The line that says the same where nothing can be redrawn. */
export function plainLine(object: MeasuredObject): string {
  const retry = retryWords(object);
  const figures = [object.stage, ...figuresOf(object), ...(retry ? [retry] : [])];
  return `${object.label}: ${figures.join(', ')}`;
}

/** The last line of an object where nothing can be redrawn: what it came to, on the whole. */
export function endLine(label: string, { state, counts, startedAt, endedAt, failure }: ObjectResult): string {
  const elapsedMs = Date.parse(endedAt) - Date.parse(startedAt);
  const took = formatDuration(elapsedMs);
  switch (state) {
    case 'success': {
      const rate = formatCount(Math.round((counts.read * 1000) / Math.max(1, elapsedMs)));
      return `${label}: done, ${formatPlural(counts.read, 'row')}, ${rate} rows/s, ${took}`;
    }
    case 'unchanged':
      return `${label}: done, nothing new, ${took}`;
    case 'failed':
      return `${label}: failed after ${took}${failure ? ` (${failure.code})` : ''}`;
    case 'cancelled':
      return `${label}: cancelled after ${took}`;
  }
}

function figuresOf({ stage, chunks, chunksDone, rows, rowsPerSecond, elapsedMs }: MeasuredObject): string[] {
  if (stage === 'waiting') return [];
  const parts = [];
  if (chunks > 1) parts.push(`${formatCount(chunksDone)}/${formatCount(chunks)} chunks`);
  if (rows > 0) parts.push(`${formatCount(rows)} rows`);
  if (stage === 'extracting' && rowsPerSecond !== undefined && rowsPerSecond > 0) {
    parts.push(`${formatCount(rowsPerSecond)} rows/s`);
  }
  return [...parts, formatDuration(elapsedMs)];
}

/** Only where there is a part of something to show. */
function bar({ stage, chunks, chunksDone }: ObjectView): string {
  if (stage !== 'extracting' || chunks < 2) return '';
  const filled = Math.round((BAR_WIDTH * chunksDone) / chunks);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
}

function retryWords({ retry }: MeasuredObject): string | undefined {
  if (!retry) return undefined;
  const wait = retry.nextAt === undefined ? 0 : retry.nextAt - Date.now();
  const when = wait > 0 ? `in ${formatDuration(wait)}` : 'now';
  return `retrying ${when} (attempt ${retry.attempt}): ${retry.message}`;
}

function colourOf({ stage, result }: MeasuredObject, paint: Paint): (text: string) => string {
  if (result?.state === 'failed') return paint.bad;
  if (result?.state === 'cancelled') return paint.warn;
  if (stage === 'done') return paint.good;
  return stage === 'waiting' ? paint.dim : (text) => text;
}
