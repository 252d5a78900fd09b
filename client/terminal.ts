import { styleText } from 'node:util';

/** One of a command's two outputs. */
export interface Output {
  write(text: string): void;
  /** A person looks at it: lines may be redrawn. */
  readonly isTerminal: boolean;
  readonly isColoured: boolean;
  /** Characters in a line. */
  columns(): number;
  /** Lines on the screen. */
  rows(): number;
}

/** Where a command writes: results to `out`, everything that is said on the way to `err`. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
}

const DEFAULT_COLUMNS = 100;
const DEFAULT_ROWS = 24;

export function processTerminal(env: NodeJS.ProcessEnv): Terminal {
  return { out: streamOutput(process.stdout, env), err: streamOutput(process.stderr, env) };
}

export function streamOutput(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true && env['TERM'] !== 'dumb',
    isColoured: wantsColour(stream.isTTY === true, env),
    // A terminal that does not know its size says 0.
    columns: () => stream.columns || DEFAULT_COLUMNS,
    rows: () => stream.rows || DEFAULT_ROWS,
  };
}

/** NO_COLOR (https://no-color.org) goes before FORCE_COLOR, and that before what the output is. */
export function wantsColour(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal && env['TERM'] !== 'dumb';
}

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  name(text: string): string;
}

export function painter(isColoured: boolean): Paint {
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    isColoured && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: style('bold'),
    dim: style('dim'),
    good: style('green'),
    warn: style('yellow'),
    bad: style('red'),
    name: style('cyan'),
  };
}
