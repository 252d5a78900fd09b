import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `npm run demo` shows: a run on real data, its rows, and where to go from here. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const JOB = path.join('examples', 'nycflights.yaml');
const FIRST_FLIGHTS = `select time_hour, carrier, flight, tailnum, origin, dest, dep_delay, distance
  from nycflights.flights order by time_hour, carrier, flight limit 5`;

function dativo(...words: string[]): void {
  const { status } = spawnSync(process.execPath, [path.join('bin', 'dativo.js'), ...words], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

const say = (...lines: string[]) => process.stdout.write(`${lines.join('\n')}\n`);

dativo('run', JOB);
say('', 'The first rows of nycflights.flights:', '');
dativo('query', FIRST_FLIGHTS, '--job', JOB);
say(
  '',
  'Run `npm run demo` again: no row that has not changed is moved. Or try:',
  '  npx dativo run examples/flights.yaml     the same flights with a contract and transformations',
  '  npx dativo query "select origin, avg(dep_delay) from nycflights.flights group by origin"',
  "  npx dativo dev                           Temporal's UI with every run, at the link above",
);
