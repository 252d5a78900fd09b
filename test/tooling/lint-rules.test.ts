import { beforeAll, expect, test } from 'vitest';
import { lintPlanted } from '../support/lint.ts';

const LATER = `export async function later(): Promise<number> {\n  return Promise.resolve(1);\n}\n`;

/** What the house rules forbid, each as a small file, and the rule that is to refuse it. */
const FORBIDDEN = [
  ['a promise nobody waits for', 'worker/a.ts', `${LATER}later();\n`, 'lint/nursery/noFloatingPromises'],
  [
    "another file's promise nobody waits for",
    'worker/b.ts',
    `import { later } from './later.ts';\nexport function start() {\n  later();\n}\n`,
    'lint/nursery/noFloatingPromises',
  ],
  ['any', 'worker/c.ts', 'export function f(x: any) {\n  return x;\n}\n', 'lint/suspicious/noExplicitAny'],
  [
    'a ! that hides a doubt',
    'worker/d.ts',
    'export const f = (x?: string) => x!.length;\n',
    'lint/style/noNonNullAssertion',
  ],
  ['a default export', 'worker/e.ts', 'export default 1;\n', 'lint/style/noDefaultExport'],
  ['an import that is not used', 'worker/f.ts', `import path from 'node:path';\n`, 'lint/correctness/noUnusedImports'],
  [
    'a type imported as a value',
    'worker/g.ts',
    `import { Stats } from 'node:fs';\nexport type S = Stats;\n`,
    'lint/style/useImportType',
  ],
  ['a barrel', 'worker/h.ts', `export { later } from './later.ts';\n`, 'lint/performance/noBarrelFile'],
  [
    'an import without extension',
    'worker/i.ts',
    `import { later } from './later';\nvoid later();\n`,
    'lint/correctness/useImportExtensions',
  ],
  [
    'a package that is not declared',
    'worker/j.ts',
    `import x from 'left-pad';\nx();\n`,
    'lint/correctness/noUndeclaredDependencies',
  ],
  ['a log line from a connector', 'connectors/k.ts', `console.log('row');\n`, 'lint/suspicious/noConsole'],
  [
    'a connector that reads the environment',
    'connectors/l.ts',
    `export const home = process.env['HOME'];\n`,
    'lint/style/noProcessEnv',
  ],
  [
    'a compiler error that is silenced',
    'worker/m.ts',
    '// @ts-ignore\nexport const x: number = "1";\n',
    'lint/suspicious/noTsIgnore',
  ],
  [
    'an import cycle',
    'worker/n.ts',
    `import { o } from './o.ts';\nexport const n = () => o;\n`,
    'lint/suspicious/noImportCycles',
  ],
  ['a file of over 300 lines', 'worker/p.ts', `${'export {};\n'.repeat(301)}`, 'lint/style/noExcessiveLinesPerFile'],
  ['a file name that is not in kebab case', 'worker/fileName.ts', 'export {};\n', 'lint/style/useFilenamingConvention'],
  [
    'a test that is left out',
    'test/q.test.ts',
    `import { test } from 'vitest';\ntest.skip('x', () => {});\n`,
    'lint/suspicious/noSkippedTests',
  ],
  [
    'a test that runs alone',
    'test/r.test.ts',
    `import { test } from 'vitest';\ntest.only('x', () => {});\n`,
    'lint/suspicious/noFocusedTests',
  ],
] as const;

let broken: ReadonlyMap<string, readonly string[]>;
beforeAll(async () => {
  const files = new Map<string, string>(FORBIDDEN.map(([, file, text]) => [file, text]));
  files.set('worker/later.ts', LATER);
  files.set('worker/o.ts', `import { n } from './n.ts';\nexport const o = () => n;\n`);
  broken = await lintPlanted(files);
});

test.each(FORBIDDEN)('the linter refuses %s', (_title, file, _text, rule) => {
  expect(broken.get(file)).toContain(rule);
});

test('the linter has nothing to say about a clean file', () => {
  expect(broken.get('worker/later.ts')).toEqual([]);
});
