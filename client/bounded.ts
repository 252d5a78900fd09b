/**
 * Calls `work` for each item, at most `limit` at once, in their order; begins no further one after `signal`. Results
 * are in the order of the items, without those that were not begun. The first failure is thrown when nothing is at
 * work any more.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const results: { readonly index: number; readonly result: R }[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length && failures.length === 0 && !signal?.aborted) {
      const index = next++;
      try {
        results.push({ index, result: await work(items[index] as T) });
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results.toSorted((a, b) => a.index - b.index).map(({ result }) => result);
}
