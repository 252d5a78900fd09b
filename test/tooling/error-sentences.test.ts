import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const FOLDERS = ['activities', 'client', 'config', 'connectors', 'contracts', 'worker', 'workflows'];
/** A part of an error that is written out where it is raised; parts that are put together elsewhere are not seen. */
const PART = /\b(received|expected|next): *('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;

interface Part {
  readonly place: string;
  readonly name: string;
  readonly text: string;
}

async function parts(): Promise<Part[]> {
  const found: Part[] = [];
  for (const folder of FOLDERS) {
    const names = await readdir(path.join(ROOT, folder), { recursive: true });
    for (const name of names.filter((each) => each.endsWith('.ts'))) {
      const source = await readFile(path.join(ROOT, folder, name), 'utf8');
      for (const [whole, part = '', quoted = ''] of source.matchAll(PART)) {
        const line = source.slice(0, source.indexOf(whole)).split('\n').length;
        found.push({ place: `${folder}/${name}:${line}`, name: part, text: written(quoted) });
      }
    }
  }
  return found;
}

/** A literal without its quotes, and with a sign for what is put into it. */
function written(literal: string): string {
  return literal.slice(1, -1).replaceAll(/\$\{[^}]*\}?/g, '…');
}

/** What makes a sentence of three such parts read badly. */
const FAULTS: Readonly<Record<string, (part: Part) => boolean>> = {
  'a word twice in a row': ({ text }) => /\b([a-z]+) \1\b/i.test(text),
  'a full stop at the end, where the sentence puts one': ({ text }) => text.endsWith('.'),
  'white space at an end, or twice': ({ text }) => text !== text.trim() || / {2}/.test(text),
  '"expected" at the beginning of what is expected': ({ name, text }) => name === 'expected' && /^expected/i.test(text),
  nothing: ({ text }) => text === '',
};

test.each(Object.keys(FAULTS))('no part of an error has %s', async (fault) => {
  const all = await parts();
  expect(all.length).toBeGreaterThan(200);
  expect(all.filter((part) => FAULTS[fault]?.(part))).toEqual([]);
});
