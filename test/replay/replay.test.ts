import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';

const FOLDER = path.join(import.meta.dirname, 'histories');
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

interface HistoryEvent {
  readonly eventType: string;
  readonly activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}

let workflowBundle: { code: string };
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => {}) });
  workflowBundle = await loadWorkflowBundle();
});

function recorded(name: string): { events: HistoryEvent[] } {
  return JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8')) as { events: HistoryEvent[] };
}

describe('a workflow that an earlier version began goes on with this one', () => {
  test('there are histories to replay', () => {
    expect(NAMES.length).toBeGreaterThan(10);
  });

  test.each(NAMES)('%s', async (name) => {
    await Worker.runReplayHistory({ workflowBundle }, recorded(name));
  });

  test('a history that the workflow could not have made is refused', async () => {
    const history = recorded('two-objects-committed.orders.json');
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events) {
      if (scheduled?.activityType.name === 'evaluateObject') scheduled.activityType.name = 'somethingElse';
    }
    await expect(Worker.runReplayHistory({ workflowBundle }, history)).rejects.toBeInstanceOf(
      DeterminismViolationError,
    );
  });
});
