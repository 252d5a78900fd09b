import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isBelow } from '../../../connectors/storage/lent-access.ts';
import { LentCredentials } from '../../../connectors/storage/lent-credentials.ts';
import type { S3Credentials } from '../../../connectors/storage/s3-client.ts';

const MINUTE = 60_000;

/** A lender whose nth credentials end `livesMs` after they were lent, on a clock that stands still until it is set. */
function lender(livesMs?: number) {
  const clock = { nowMs: 0 };
  let lent = 0;
  let isAway = false;
  const lend = (): S3Credentials => {
    lent += 1;
    const ends = livesMs === undefined ? {} : { expiration: new Date(clock.nowMs + livesMs) };
    return { accessKeyId: `key-${lent}`, secretAccessKey: 'secret', ...ends };
  };
  const renew = async () => {
    await sleep(1);
    if (isAway) throw new Error('away');
    return lend();
  };
  const source = new LentCredentials({ credentials: lend(), renew }, () => clock.nowMs);
  const key = async () => (await source.current()).accessKeyId;
  const leave = () => {
    isAway = true;
  };
  return { clock, source, key, leave, renew };
}

describe('lent credentials', () => {
  test('are used until shortly before their end, then asked for once by all who need them', async () => {
    const { clock, key } = lender(60 * MINUTE);
    clock.nowMs = 54 * MINUTE;
    expect(await key()).toBe('key-1');
    clock.nowMs = 56 * MINUTE;
    expect(await Promise.all([key(), key(), key()])).toEqual(['key-2', 'key-2', 'key-2']);
    clock.nowMs = 100 * MINUTE;
    expect(await key()).toBe('key-2');
  });

  test('of a short life are used for most of it', async () => {
    const { clock, key } = lender(10_000);
    clock.nowMs = 7_000;
    expect(await key()).toBe('key-1');
    clock.nowMs = 9_000;
    expect(await key()).toBe('key-2');
  });

  test('are used while they hold, though whoever lent them is away', async () => {
    const { clock, key, leave } = lender(60 * MINUTE);
    leave();
    clock.nowMs = 59 * MINUTE;
    expect(await key()).toBe('key-1');
    clock.nowMs = 61 * MINUTE;
    await expect(key()).rejects.toThrow('away');
  });

  test('without a known end are used until they are refused', async () => {
    const { clock, key, source } = lender();
    clock.nowMs = 1000 * MINUTE;
    const used = await source.current();
    expect(used.accessKeyId).toBe('key-1');
    source.refused(used);
    expect(await key()).toBe('key-2');
    // A late answer to what the old ones had signed.
    source.refused(used);
    expect(await key()).toBe('key-2');
  });

  test('that are lent anew replace those before', async () => {
    const { key, source, renew } = lender();
    source.replace({ credentials: await renew(), renew });
    expect(await key()).toBe('key-2');
  });
});

test.each([
  ['s3://bucket/shop/orders/data/1', 's3://bucket/shop/orders', true],
  ['s3://bucket/shop/orders/data/1', 's3://bucket/shop/orders/', true],
  ['s3://bucket/shop/orders', 's3://bucket/shop/orders/', true],
  ['s3://bucket/shop/orders_old/data/1', 's3://bucket/shop/orders', false],
  ['s3a://bucket/shop/orders/data/1', 's3://bucket/shop/orders', true],
  ['s3://bucket/shop', 's3://bucket/shop/orders', false],
  ['s3://bucket/shop', 's3://bucket', true],
  ['s3://bucket2/shop', 's3://bucket', false],
  ['s3://bucket/shop', 's3', true],
])('%s is below %s: %s', (uri, prefix, below) => {
  expect(isBelow(uri, prefix)).toBe(below);
});
