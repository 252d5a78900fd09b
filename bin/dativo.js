#!/usr/bin/env -S node --max-semi-space-size=4
// Rows never pass through JavaScript, so a small space for young objects is enough; by itself Node lets it grow to
// 128 MB (measured with a CSV file of 1.8 GB: 590 MB at the peak instead of 640 to 830, and no more cpu).
// Written so that any Node from 14 on can read it: an old one must be able to say what is wrong.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';

const SOURCE = new URL('../client/cli.ts', import.meta.url);
const COMPILED = new URL('../dist/client/cli.js', import.meta.url);
// A checkout runs from its sources, which Node reads by itself from 22.18 on; a package runs compiled code.
const inCheckout = existsSync(SOURCE);
const needed = inCheckout ? [22, 18] : [22, 15];

const found = process.versions.node.split('.').map(Number);
if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  const command = ['npx -p node@24', inCheckout ? 'node bin/dativo.js' : 'dativo']
    .concat(process.argv.slice(2))
    .join(' ');
  const versions = 'Node ' + process.versions.node + '; expected Node ' + needed.join('.') + ' or later';
  process.stderr.write('dativo: ' + versions + '; run `' + command + '`. (USAGE)\n');
  process.exit(2);
}

// Compiled code is kept in a folder of the user's own: what is read from there is run. The workflow thread takes the
// folder from the environment.
const { enableCompileCache } = await import('node:module');
const cacheFolder = process.env.XDG_CACHE_HOME || (process.env.HOME || homedir()) + '/.cache';
process.env.NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE || cacheFolder + '/dativo/compiled';
enableCompileCache(process.env.NODE_COMPILE_CACHE);
// What Node says about its own unfinished parts is not the user's concern.
const { emitWarning } = process;
process.emitWarning = (warning, ...rest) => {
  const type = typeof rest[0] === 'object' && rest[0] !== null ? rest[0].type : rest[0];
  if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest);
};

const { main } = await import((inCheckout ? SOURCE : COMPILED).href);
process.exitCode = await main(process.argv.slice(2));
