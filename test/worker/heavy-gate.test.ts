import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { HeavyGate, HeavyPlaces } from '../../worker/heavy-gate.ts';

test('so many work at once and no more, in the order in which they came', async () => {
  const places = new HeavyPlaces(2);
  const order: number[] = [];
  let [working, most] = [0, 0];
  const ends: (() => void)[] = [];
  const work = async (index: number) => {
    await places.take();
    order.push(index);
    working += 1;
    most = Math.max(most, working);
    await new Promise<void>((resolve) => ends.push(resolve));
    working -= 1;
    places.give();
  };
  const all = [0, 1, 2, 3, 4].map(work);
  while (order.length < 5) {
    await new Promise((resolve) => setImmediate(resolve));
    ends.shift()?.();
  }
  while (ends.length > 0) ends.shift()?.();
  await Promise.all(all);
  expect([order, most, places.isFull]).toEqual([[0, 1, 2, 3, 4], 2, false]);
});

test('who waits for a place says again what the attempt before had said last', async () => {
  const places = new HeavyPlaces(1);
  await places.take();
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 30, heartbeatDetails: { chunk: 7 } });
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  const gate = new HeavyGate(environment.context, places);
  const done = gate.execute({ args: [], headers: {} }, async () => 'done');
  while (heartbeats.length === 0) await sleep(5);
  places.give();
  expect(await done).toBe('done');
  expect(new Set(heartbeats)).toEqual(new Set([{ chunk: 7 }]));
});
