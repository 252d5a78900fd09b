/** Loaded before a program (`node --import`): at its end, writes what the process used to the file of BENCH_USAGE_FILE. */
import { writeFileSync } from 'node:fs';
import type { Usage } from './measure.ts';

process.on('exit', () => {
  const file = process.env['BENCH_USAGE_FILE'];
  if (file === undefined) return;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage: Usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMegabytes: (maxRSS * 1024) / 1e6 };
  writeFileSync(file, JSON.stringify(usage));
});
