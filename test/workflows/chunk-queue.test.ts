import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChunkRange } from '../../contracts/run.ts';
import { ChunkQueue } from '../../workflows/chunk-queue.ts';

function takeAll(queue: ChunkQueue): ChunkRange[] {
  const taken: ChunkRange[] = [];
  for (let range = queue.take(); range !== undefined; range = queue.take()) taken.push(range);
  return taken;
}

const indexesOf = (ranges: readonly ChunkRange[]) =>
  ranges.flatMap(({ first, count }) => Array.from({ length: count }, (_, index) => first + index));

test('every chunk is handed out once, in order, and never more to one than its share of what is left', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 256 }), (chunks, lanes) => {
      const ranges = takeAll(new ChunkQueue(chunks, lanes));
      expect(indexesOf(ranges)).toEqual(Array.from({ length: chunks }, (_, index) => index));
      let left = chunks;
      for (const { count, firstAttempt } of ranges) {
        expect(firstAttempt).toBe(1);
        expect(count).toBeLessThanOrEqual(Math.min(16, Math.max(Math.ceil(left / lanes), Math.ceil(chunks / 50))));
        left -= count;
      }
    }),
  );
});

test('all lanes have work from the beginning, as long as there are chunks for them', () => {
  for (const lanes of [1, 2, 4, 16, 40]) {
    const ranges = takeAll(new ChunkQueue(50, lanes));
    expect(ranges.length).toBeGreaterThanOrEqual(lanes);
  }
  expect(takeAll(new ChunkQueue(3, 4)).map(({ count }) => count)).toEqual([1, 1, 1]);
});

test('a hundred chunks are the work of few activities, and the last of them are short', () => {
  const sizes = (lanes: number) => takeAll(new ChunkQueue(100, lanes)).map(({ count }) => count);
  expect(sizes(4)).toEqual([16, 16, 16, 13, 10, 8, 6, 4, 3, 2, 2, 2, 2]);
  expect(sizes(8).length).toBeLessThanOrEqual(20);
});

test('what was handed back is handed out again, with the attempts that it says', () => {
  const queue = new ChunkQueue(20, 2);
  expect(queue.take()).toEqual({ first: 0, count: 10, firstAttempt: 1 });
  queue.giveBack({ first: 4, count: 6, firstAttempt: 3 });
  const rest = takeAll(queue);
  expect(indexesOf(rest).toSorted((a, b) => a - b)).toEqual([
    ...[4, 5, 6, 7, 8, 9],
    ...[10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  ]);
  for (const { first, firstAttempt } of rest) expect(firstAttempt).toBe(first < 10 ? 3 : 1);
});
