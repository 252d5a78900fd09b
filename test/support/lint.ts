import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LINTER = path.join(ROOT, 'node_modules', '.bin', 'biome');
/** Everything that the linter's rules consist of. */
const RULES = ['biome.json', 'package.json', path.join('test', 'tooling')];

interface BiomeReport {
  readonly diagnostics: readonly { readonly category?: string; readonly location: { readonly path: unknown } }[];
}

/**
 * Lints files that are not in the checkout under the checkout's rules. Takes path → text, gives path → the rules that
 * each file breaks (`plugin` for the rules written in GritQL).
 */
export async function lintPlanted(files: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, readonly string[]>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dativo-lint-'));
  try {
    for (const rule of RULES) await cp(path.join(ROOT, rule), path.join(folder, rule), { recursive: true });
    for (const [file, text] of files) {
      await mkdir(path.join(folder, path.dirname(file)), { recursive: true });
      await writeFile(path.join(folder, file), text);
    }
    const report = await biomeLint(folder);
    const broken = new Map([...files.keys()].map((file): [string, string[]] => [file, []]));
    for (const { category, location } of report.diagnostics) {
      if (typeof location.path === 'string') broken.get(location.path)?.push(category ?? 'unnamed');
    }
    return broken;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function biomeLint(folder: string): Promise<BiomeReport> {
  return new Promise((resolve, reject) => {
    const lint = ['lint', '--reporter=json', '--max-diagnostics=none', '.'];
    execFile(LINTER, lint, { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) => {
      // A broken rule and a broken linter both end with an error: only the report tells them apart.
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as BiomeReport);
      else reject(new Error(`the linter gave no report: ${stderr}`));
    });
  });
}
