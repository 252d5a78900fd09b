import { expect, test } from 'vitest';
import { markersInHistories, markersInLogs } from './support/marker.ts';
import { temporalServer } from './support/temporal.ts';

const { address, namespace, home } = temporalServer();

test('no workflow history of the whole suite holds the value of a row', async () => {
  expect(await markersInHistories(address, namespace)).toEqual([]);
});

test("no log of the suite's workers and of the server holds the value of a row", async () => {
  expect(await markersInLogs(home)).toEqual([]);
});
