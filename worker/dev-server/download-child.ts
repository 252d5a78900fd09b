import { TestWorkflowEnvironment } from '@temporalio/testing';

/**
 * Has the SDK download the dev server into the folder given as the argument. The SDK offers that only as a part of
 * starting one, so one is started, in memory, and ended.
 */
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir: process.argv[2] ?? '.' }, ui: false },
});
await environment.teardown();
