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

/**
 * Works off what `next` gives with at most `limit` at work at once, until it gives nothing more; it is asked again after
 * each piece of work, which may have added some. Failures are as in `mapBounded`.
 */
export async function workOff<T>(
  limit: number,
  next: () => T | undefined,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const scope = new CancellationScope({ cancellable: true });
  await scope.run(async () => {
    const atWork = new Set<Promise<void>>();
    let failure: { error: unknown } | undefined;
    const begin = (item: T) => {
      const one = work(item)
        .catch((error: unknown) => {
          failure ??= { error };
          scope.cancel();
        })
        .finally(() => atWork.delete(one));
      atWork.add(one);
    };
    for (;;) {
      while (!failure && atWork.size < limit) {
        const item = next();
        if (item === undefined) break;
        begin(item);
      }
      if (atWork.size === 0) break;
      await Promise.race(atWork);
    }
    if (failure) throw failure.error;
  });
}
