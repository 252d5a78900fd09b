import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColumnBuffer } from '../../../connectors/landing/column-buffer.ts';
import { Unrepresentable } from '../../../connectors/landing/unrepresentable.ts';
import type { Decode } from '../../../connectors/mysql/decode.ts';
import { date, dateTime, decimal } from '../../../connectors/mysql/decode.ts';
import { Handover } from '../../../connectors/mysql/handover.ts';

/** A value behind its length, with a byte before it and one behind. */
const sent = (body: readonly number[]) => Uint8Array.from([0, body.length, ...body, 0xff]);
const decoded = (decode: Decode, body: readonly number[]) => {
  const buffer = new ColumnBuffer(8);
  expect(decode(buffer, sent(body), 1)).toBe(body.length + 2);
  return buffer;
};
const dayOf = (at: Date) => [
  at.getUTCFullYear() & 0xff,
  at.getUTCFullYear() >> 8,
  at.getUTCMonth() + 1,
  at.getUTCDate(),
];
const MILLISECONDS_A_DAY = 86_400_000;
const anyDay = () => fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });

describe('the binary forms', () => {
  test('of a date are its days since 1970, for every date there is', () => {
    fc.assert(
      fc.property(anyDay(), (at) => {
        const days = decoded(date('refuse'), dayOf(at)).view.getInt32(0, true);
        expect(days).toBe(Math.floor(at.getTime() / MILLISECONDS_A_DAY));
      }),
      { numRuns: 2000 },
    );
  });

  test('of a time are its microseconds since 1970, whatever the server leaves out', () => {
    fc.assert(
      fc.property(anyDay(), fc.nat(999_999), fc.constantFrom(4, 7, 11), (at, micros, length) => {
        const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
        const fraction = [0, 8, 16, 24].map((shift) => (micros >> shift) & 0xff);
        const body = [...dayOf(at), ...time, ...fraction].slice(0, length);
        const days = BigInt(Math.floor(at.getTime() / MILLISECONDS_A_DAY)) * 86_400n;
        const seconds = length < 7 ? 0 : at.getUTCHours() * 3600 + at.getUTCMinutes() * 60 + at.getUTCSeconds();
        const expected = (days + BigInt(seconds)) * 1_000_000n + BigInt(length < 11 ? 0 : micros);
        expect(decoded(dateTime('refuse'), body).view.getBigInt64(0, true)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [[]],
    [[0, 0, 0, 0]],
    [[0xe8, 7, 0, 1]],
    [[0xe8, 7, 5, 0]],
    [[0xe7, 7, 2, 29]],
    [[0, 0, 1, 1]],
    [[0xe8, 7, 13, 1]],
  ])('of a date that no calendar has, %j, are none', (body) => {
    for (const decode of [date, dateTime]) {
      expect(() => decoded(decode('refuse'), body)).toThrow(Unrepresentable);
      expect(decoded(decode('null'), body)).toMatchObject({ rows: 1, nulls: 1, end: 0 });
    }
  });

  test('of a decimal are its digits, of any number of them', () => {
    const anyDecimal = fc
      .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38), fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }), fc.boolean())
      .map(([precision, scale, digits, isNegative]) => ({
        precision,
        scale: Math.min(scale, precision),
        digits: digits % 10n ** BigInt(precision),
        isNegative,
      }));
    fc.assert(
      fc.property(anyDecimal, ({ precision, scale, digits, isNegative }) => {
        const whole = digits.toString().padStart(scale + 1, '0');
        const point = scale === 0 ? whole : `${whole.slice(0, -scale)}.${whole.slice(-scale)}`;
        const text = `${isNegative ? '-' : ''}${point}`;
        const { view, end } = decoded(decimal(precision, scale), [...Buffer.from(text)]);
        const found =
          end === 8 ? view.getBigInt64(0, true) : (view.getBigInt64(0, false) << 64n) | view.getBigUint64(8, false);
        expect([precision <= 18 ? 8 : 16, found]).toEqual([end, isNegative ? -digits : digits]);
      }),
      { numRuns: 2000 },
    );
  });
});

test('a row that is taken back leaves no trace in its columns', () => {
  const buffer = new ColumnBuffer(16);
  const add = (value: number | undefined) => {
    const end = buffer.end;
    if (value === undefined) buffer.addNull();
    else date('refuse')(buffer, sent([0xd0, 7, 1, value]), 1);
    return end;
  };
  for (const value of [1, undefined, 3]) add(value);
  const before = [buffer.rows, buffer.nulls, buffer.end, [...buffer.defined()]];
  for (const value of [4, undefined]) {
    buffer.takeBack(add(value));
    expect([buffer.rows, buffer.nulls, buffer.end, [...buffer.defined()]]).toEqual(before);
  }
});

describe('a handover', () => {
  test('keeps whoever gives one step ahead, and gives everything in order', async () => {
    const handover = new Handover<number>();
    const given: number[] = [];
    const giving = (async () => {
      for (const value of [1, 2, 3]) {
        await handover.give(value);
        given.push(value);
      }
      handover.end();
    })();
    const taken: (number | undefined)[] = [];
    for (let i = 0; i < 4; i += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(given).toHaveLength(taken.length);
      taken.push(await handover.take());
    }
    await giving;
    expect(taken).toEqual([1, 2, 3, undefined]);
  });

  test('tells a failure behind what was given before it, and to whoever goes on giving', async () => {
    const handover = new Handover<number>();
    const giving = handover.give(1);
    const next = handover.give(2);
    handover.end(new Error('it failed'));
    await expect(next).rejects.toThrow('it failed');
    expect(await handover.take()).toBe(1);
    await giving;
    await expect(handover.take()).rejects.toThrow('it failed');
  });

  test('lets nobody wait who gives to one that takes no more', async () => {
    const handover = new Handover<number>();
    const giving = handover.give(1);
    handover.end();
    await Promise.race([giving, new Promise((_, reject) => setTimeout(() => reject(new Error('it waits')), 1000))]);
  });
});
