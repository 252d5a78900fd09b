import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { JOB_SCHEMA_FILE, jobJsonSchema } from './json-schema.ts';
import { configReference, errorReference } from './reference.ts';

/** The files that are generated from the schemas and the error catalogue: path in the project → content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    [JOB_SCHEMA_FILE, `${JSON.stringify(jobJsonSchema(), null, 2)}\n`],
    ['docs/config-reference.md', configReference()],
    ['docs/errors.md', errorReference()],
  ]);
}

/** `node config/write-reference.ts` brings the committed files up to date. */
if (import.meta.main) {
  for (const [file, content] of generatedFiles()) {
    const path = join(import.meta.dirname, '..', file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    process.stdout.write(`wrote ${file}\n`);
  }
}
