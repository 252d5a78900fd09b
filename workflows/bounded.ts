import { CancellationScope } from '@temporalio/workflow';

/**
 * Maps items to results with at most `limit` at work at once, in the order of the items. The first failure cancels
 * what is still running, waits for it to stop, and is thrown.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const scope = new CancellationScope({ cancellable: true });
  await scope.run(async () => {
    let next = 0;
    let failure: { error: unknown } | undefined;
    const lane = async () => {
      while (next < items.length && !failure) {
        const index = next++;
        try {
          results[index] = await work(items[index] as T, index);
        } catch (error) {
          // The first cause is the one to report: what is cancelled because of it fails too, later.
          failure ??= { error };
          scope.cancel();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
    if (failure) throw failure.error;
  });
  return results;
}
