import { describe, expect, test } from 'vitest';
import { readBudget } from '../../worker/budget.ts';

describe('the budget of a worker', () => {
  test('is shared equally by the heavy activities', () => {
    const budget = readBudget({ DATIVO_MEMORY: '2GiB', DATIVO_HEAVY_ACTIVITIES: '4' });
    expect([budget.heavyActivities, budget.memoryBytesPerActivity]).toEqual([4, 512 * 1024 * 1024]);
  });

  test('never goes below what one activity needs', () => {
    expect(readBudget({ DATIVO_MEMORY: '100MB' }).memoryBytesPerActivity).toBe(128 * 1024 * 1024);
  });

  test('has a default that does not depend on the size of the data', () => {
    const { heavyActivities, memoryBytesPerActivity } = readBudget({});
    expect(heavyActivities * memoryBytesPerActivity).toBeLessThanOrEqual(512 * 1024 * 1024);
  });

  test.each([
    ['DATIVO_MEMORY', 'lots', /such as 512MB/],
    ['DATIVO_HEAVY_ACTIVITIES', '0', /at least 1/],
  ])('refuses %s=%s', (name, value, message) => {
    expect(() => readBudget({ [name]: value })).toThrow(message);
  });
});
