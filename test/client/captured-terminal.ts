import type { Output, Terminal } from '../../client/terminal.ts';

/** An output that keeps what is written to it. */
export interface CapturedOutput extends Output {
  text(): string;
}

export function captureOutput(
  traits: { isTerminal?: boolean; isColoured?: boolean; columns?: number; rows?: number } = {},
): CapturedOutput {
  const { isTerminal = false, isColoured = false, columns = 100, rows = 24 } = traits;
  let text = '';
  return {
    write: (more) => {
      text += more;
    },
    isTerminal,
    isColoured,
    columns: () => columns,
    rows: () => rows,
    text: () => text,
  };
}

export interface CapturedTerminal extends Terminal {
  readonly out: CapturedOutput;
  readonly err: CapturedOutput;
}

export function captureTerminal(): CapturedTerminal {
  return { out: captureOutput(), err: captureOutput() };
}
