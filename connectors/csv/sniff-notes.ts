import { formatCount } from '../../contracts/figures.ts';
import type { Doubt } from '../connector.ts';
import type { FileHead } from './head.ts';
import type { InferredType } from './infer-type.ts';
import { nearMiss } from './infer-type.ts';
import type { CsvFormat } from './sniff.ts';

/** Columns whose type a few values do not have. */
export function misfitNotes(inferred: ReadonlyMap<string, InferredType>): string[] {
  return [...inferred].flatMap(([name, { type, misfits, values }]) =>
    misfits === 0 ? [] : [`column ${name}: ${misfits} of ${values} sampled values are no ${type} and go to quarantine`],
  );
}

export function headerDoubt(header: boolean): Doubt {
  const taken = header ? 'header, though it may be data' : 'data, though it may be a header';
  return { text: `first line taken as ${taken}; set source.header to be sure` };
}

/** Columns of text that mostly hold something else. */
export function typeDoubts(
  texts: ReadonlyMap<string, readonly string[]>,
  inferred: ReadonlyMap<string, InferredType>,
  tokens: readonly string[],
): Doubt[] {
  return [...inferred].flatMap(([name, { type }]): Doubt[] => {
    const near = type === 'string' ? nearMiss(texts.get(name) ?? [], tokens) : undefined;
    if (near === undefined) return [];
    const share = `${Math.floor((near.fitting / near.values) * 1000) / 10} %`;
    const written = `source.types: { ${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${near.type} }`;
    const text =
      `column ${name}: read as string, though ${share} of ${formatCount(near.values)} sampled values are ` +
      `${near.type}; write ${written} to force it, which puts rows with other values into quarantine`;
    return [{ column: name, text }];
  });
}

/** How the files are read, one thing each. */
export function formatNotes(format: CsvFormat, head: FileHead, rows: number): string[] {
  const text = (value: string) => (value === '' ? 'none' : JSON.stringify(value));
  return [
    `compression: ${head.compression}`,
    `encoding: ${head.encoding}`,
    `delimiter: ${text(format.delimiter)}`,
    `quote: ${text(format.quote)}`,
    `escape: ${text(format.escape)}`,
    `header: ${format.header ? 'yes' : 'no'}`,
    `null strings: ${format.nullStrings.map((value) => JSON.stringify(value)).join(', ') || 'none'}`,
    `rows sampled: ${rows}`,
  ];
}
