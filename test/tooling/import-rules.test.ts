import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { lintPlanted } from '../support/lint.ts';
import type { Allowed, ProductFolder } from './import-rules.ts';
import { MAY_IMPORT, MAY_USE, OUTER_FOLDERS, PRODUCT_FOLDERS } from './import-rules.ts';

const IMPORT_RULES = ['lint/style/noRestrictedImports', 'plugin'];

/** Every way to write an import of `from`. */
const FORMS = {
  value: (from: string) => `import { x } from '${from}';\nexport const y = x;\n`,
  'side effect': (from: string) => `import '${from}';\n`,
  're-export': (from: string) => `export { x } from '${from}';\n`,
  're-export of all': (from: string) => `export * from '${from}';\n`,
  dynamic: (from: string) => `export const load = () => import('${from}');\n`,
  type: (from: string) => `import type { X } from '${from}';\nexport type Y = X;\n`,
  're-export of a type': (from: string) => `export type { X } from '${from}';\n`,
} as const;
type Form = keyof typeof FORMS;

const FORMS_OF: Readonly<Record<Allowed, readonly Form[]>> = {
  yes: Object.keys(FORMS) as Form[],
  types: ['type', 're-export of a type'],
  'on demand': ['type', 're-export of a type', 'dynamic'],
  no: [],
};

interface Planted {
  readonly title: string;
  readonly file: string;
  readonly text: string;
  readonly refused: boolean;
}

const { dependencies } = createRequire(import.meta.url)('../../package.json') as { dependencies: object };
const PACKAGES = [...Object.keys(dependencies), '@temporalio/core-bridge', 'node:fs', 'node:fs/promises'];

function importOf(folder: ProductFolder, target: string): Planted[] {
  const allowed = PRODUCT_FOLDERS.find((name) => name === target);
  const forms = FORMS_OF[(allowed && MAY_IMPORT[folder][allowed]) ?? 'no'];
  return Object.entries(FORMS).flatMap(([form, write]) =>
    ['', 'deep/'].map((depth) => ({
      title: `${folder}/${depth} imports ${target}/ as ${form}`,
      file: `${folder}/${depth}from-${target}-${form.replaceAll(' ', '-')}.ts`,
      text: write(`${depth === '' ? '..' : '../..'}/${target}/x.ts`),
      refused: !forms.some((name) => name === form),
    })),
  );
}

function useOf(folder: ProductFolder, name: string): Planted[] {
  const packageName = name.startsWith('node:') ? 'node' : name;
  return (['value', 'type', 'dynamic'] as const).map((form) => ({
    title: `${folder}/ imports ${name} as ${form}`,
    file: `${folder}/uses-${name.replaceAll(/[^a-z]+/g, '-')}-${form}.ts`,
    text: FORMS[form](name),
    refused: !MAY_USE[folder].includes(packageName),
  }));
}

function detoursOf(folder: ProductFolder): Planted[] {
  const target = folder === 'worker' ? 'test' : 'worker';
  const detours = [`./../${target}/x.ts`, `../${folder}/../${target}/x.ts`, `./deep/../../${target}/x.ts`];
  const inline = `export type X = import('../${target}/x.ts').X;\n`;
  return [...detours.map((from) => FORMS.value(from)), inline].map((text, index) => ({
    title: `${folder}/ takes detour ${index}`,
    file: `${folder}/detour-${index}.ts`,
    text,
    refused: true,
  }));
}

const PLANTED = PRODUCT_FOLDERS.flatMap((folder) => [
  ...[...PRODUCT_FOLDERS.filter((name) => name !== folder), ...OUTER_FOLDERS].flatMap((to) => importOf(folder, to)),
  ...PACKAGES.flatMap((name) => useOf(folder, name)),
  ...detoursOf(folder),
]);

describe('the linter', () => {
  let broken: ReadonlyMap<string, readonly string[]>;
  beforeAll(async () => {
    broken = await lintPlanted(new Map(PLANTED.map(({ file, text }) => [file, text])));
  });
  const isRefused = ({ file }: Planted) => (broken.get(file) ?? []).some((rule) => IMPORT_RULES.includes(rule));

  for (const folder of PRODUCT_FOLDERS) {
    const ofFolder = PLANTED.filter(({ file }) => file.startsWith(`${folder}/`));

    test(`refuses each import that ${folder} may not make`, () => {
      const forbidden = ofFolder.filter(({ refused }) => refused);
      expect(forbidden.length).toBeGreaterThan(0);
      expect(forbidden.filter((planted) => !isRefused(planted)).map(({ title }) => title)).toEqual([]);
    });

    test(`lets ${folder} import what it may`, () => {
      const allowed = ofFolder.filter(({ refused }) => !refused);
      expect(allowed.length).toBeGreaterThan(0);
      expect(allowed.filter(isRefused).map(({ title }) => title)).toEqual([]);
    });
  }
});

test('every folder that holds code stands in the table', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const known = new Set<string>([...PRODUCT_FOLDERS, ...OUTER_FOLDERS]);
  const unknown: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isDirectory() || known.has(entry.name) || /^(node_modules|dist|coverage|\..*)$/.test(entry.name))
      continue;
    const files = await readdir(`${root}/${entry.name}`, { recursive: true });
    if (files.some((name) => /\.[cm]?[jt]sx?$/.test(name))) unknown.push(entry.name);
  }
  expect(unknown).toEqual([]);
});
