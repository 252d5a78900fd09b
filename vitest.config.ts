import { defineConfig } from 'vitest/config';
import { LastWordsSequencer } from './test/support/last-words-sequencer.ts';

/** Real servers start slowly on a busy machine; a law that hangs should still fail within a minute. */
const SERVER_TIMEOUT_MS = 60_000;

export default defineConfig({
  test: {
    // The workers' native add-ons do not survive worker threads.
    pool: 'forks',
    reporters: ['default', './test/support/plain-summary-reporter.ts'],
    sequence: { sequencer: LastWordsSequencer },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.server.test.ts'],
          maxWorkers: 2,
          testTimeout: 20_000,
          hookTimeout: SERVER_TIMEOUT_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: ['test/**/*.server.test.ts'],
          globalSetup: './test/support/temporal-setup.ts',
          setupFiles: './test/support/clear-server.ts',
          // One Temporal server and two task queues of fixed names: two files at once would take each other's work.
          fileParallelism: false,
          testTimeout: SERVER_TIMEOUT_MS,
          hookTimeout: SERVER_TIMEOUT_MS,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
