import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The files that have to name what they forbid. */
const EXEMPT = ['test/tooling/house-rules.test.ts', 'test/tooling/lint-rules.test.ts'];

/** Folders that are made, not written, and files that are not text. */
const NOT_WRITTEN = /^(node_modules|dist|coverage|warehouse|\.git|\.dativo|\.test)$/;
const NOT_TEXT = /\.(gz|zst|parquet|avro|db|sqlite|png|ico|tgz)$/;
const CODE = /\.([cm]?[jt]s|grit)$/;

/** What may not stand in a line, where it may not stand, and what to do instead. */
const FORBIDDEN_TEXT = [
  { title: 'no work left for later', in: CODE, text: /\b(TODO|FIXME|XXX|HACK)\b/ },
  { title: 'no error of the compiler silenced', in: CODE, text: /@ts-(ignore|expect-error|nocheck)/ },
  { title: 'no rule of the linter silenced', in: CODE, text: /biome-ignore/ },
  { title: 'no cast through unknown', in: CODE, text: /\bas unknown as\b/ },
  { title: 'no error swallowed without a word', in: CODE, text: /\bcatch\s*(\(\w*\))?\s*\{\s*\}/ },
  { title: 'no test left out', in: /\.test\.ts$/, text: /\.(skip|skipIf|runIf|only|todo|fails)\(/ },
  { title: "no path of somebody's machine", in: /./, text: /(?<![\w.$}~-])\/(work|root|home|Users)\/\w/ },
  {
    title: 'no address of a package registry',
    in: /./,
    text: /\b(registry\.(npmjs|yarnpkg)|pypi\.org\/simple|files\.pythonhosted|proxy\.golang|repo1?\.maven|npm\.pkg)\b/,
  },
] as const;

/** Names that say nothing: each of these files is several nouns. */
const EMPTY_NAMES = /(^|\/)((utils?|helpers?|types|misc|shared)\.[cm]?[jt]s|(common|utils?|helpers?|shared)\/)/;

async function writtenFiles(folder = ''): Promise<string[]> {
  const entries = await readdir(path.join(ROOT, folder), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => !NOT_WRITTEN.test(entry.name) && !NOT_TEXT.test(entry.name))
      .map((entry) => {
        const file = path.posix.join(folder, entry.name);
        return entry.isDirectory() ? writtenFiles(file) : [file];
      }),
  );
  return found.flat().filter((file) => !EXEMPT.includes(file));
}

const files = await writtenFiles();

describe('in every file', () => {
  for (const rule of FORBIDDEN_TEXT) {
    test(rule.title, async () => {
      const found: string[] = [];
      for (const file of files.filter((name) => rule.in.test(name))) {
        const lines = (await readFile(path.join(ROOT, file), 'utf8')).split('\n');
        lines.forEach((line, index) => {
          if (rule.text.test(line)) found.push(`${file}:${index + 1}`);
        });
      }
      expect(found).toEqual([]);
    });
  }
});

test('no file has a name that says nothing', () => {
  expect(files.filter((file) => EMPTY_NAMES.test(file))).toEqual([]);
});

test('the lock file names no download address', () => {
  expect(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
});

test('every package of the lock file is there for every platform, so that npm ci works on each', () => {
  const { packages } = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  expect(optional.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
});
