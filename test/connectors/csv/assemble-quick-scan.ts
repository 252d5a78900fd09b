import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import wabt from 'wabt';

const FOLDER = path.join(import.meta.dirname, '../../../connectors/csv');
const SOURCE = path.join(FOLDER, 'quick-scan.wat');
const TARGET = path.join(FOLDER, 'quick-scan-code.ts');

/** The file that holds what `quick-scan.wat` is assembled to. */
export async function quickScanFile(): Promise<{ readonly path: string; readonly content: string }> {
  const assembler = await wabt();
  const parsed = assembler.parseWat('quick-scan.wat', await readFile(SOURCE, 'utf8'), { simd: true });
  const code = Buffer.from(parsed.toBinary({}).buffer).toString('base64');
  parsed.destroy();
  const lines = code.match(/.{1,100}/g) ?? [];
  const content = `/** Assembled from \`quick-scan.wat\` by \`npm run assemble\`, in base64. */
export const QUICK_SCAN_CODE =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
  return { path: TARGET, content };
}

/** `npm run assemble` brings the committed file up to date. */
if (import.meta.main) {
  const { path: file, content } = await quickScanFile();
  await writeFile(file, content);
}
