/** `npm run bench:small`: the latency of small jobs, without the server's start. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BenchServer } from '../server.ts';
import { measureSmallJobs } from './small-jobs.ts';

const work = await mkdtemp(path.join(os.tmpdir(), 'dativo-bench-'));
const server = await BenchServer.start(work);
try {
  await measureSmallJobs(work, { TEMPORAL_ADDRESS: server.address, DATIVO_HOME: path.join(work, 'home') });
} finally {
  await server.stop();
  await rm(work, { recursive: true, force: true });
}
