import { expect, test } from 'vitest';
import { placesOfMarker, ROW_MARKER } from '../support/marker.ts';

const bytes = Buffer.from(`{"email":"${ROW_MARKER}"}`);

test('the marker is found in the bytes of a payload, wherever it is nested', () => {
  const events = [{ id: '1' }, { started: { input: { payloads: [{ data: new Uint8Array(bytes) }] } } }];
  expect(placesOfMarker(events, 'events')).toEqual(['events[1].started.input.payloads[0].data']);
});

test('the marker is found in texts and in keys', () => {
  expect(placesOfMarker({ message: `no ${ROW_MARKER}`, memo: { [ROW_MARKER]: 1 } })).toHaveLength(2);
});

test('a message without the marker has no place', () => {
  expect(placesOfMarker({ a: [null, 1, 'row-marker', Buffer.from('row')], b: undefined })).toEqual([]);
});
