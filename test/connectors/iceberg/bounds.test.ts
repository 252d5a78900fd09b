import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lowerBound, upperBound } from '../../../connectors/iceberg/bounds.ts';
import type { PrimitiveType } from '../../../contracts/schema.ts';

const hex = (type: PrimitiveType, text: string) => lowerBound(type, text, 16)?.toString('hex');
const int64 = (type: PrimitiveType, text: string) => lowerBound(type, text, 16)?.readBigInt64LE();

describe('a bound', () => {
  test('is the single-value serialisation of the Iceberg spec', () => {
    expect(hex('boolean', '1')).toBe('01');
    expect(hex('int', '-5')).toBe('fbffffff');
    expect(hex('long', '9223372036854775807')).toBe('ffffffffffffff7f');
    expect(hex('float', '1.5')).toBe('0000c03f');
    expect(hex('double', '-inf')).toBe('000000000000f0ff');
    expect(hex('uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7')).toBe('f79c3e09677c4bbda4793f349cb785e7');
    expect(hex('binary', '00FF')).toBe('00ff');
    expect(hex('decimal(9, 2)', '14.20')).toBe('058c');
    expect(hex('decimal(9, 2)', '-1.28')).toBe('80');
    expect(hex('decimal(9, 2)', '1.28')).toBe('0080');
    expect(hex('decimal(1, 1)', '-.5')).toBe('fb');
    expect(lowerBound('decimal(38, 0)', '9'.repeat(38), 16)).toHaveLength(16);
  });

  test('of a date or time counts from 1970 for every year from 1 to 9999, before Christ and beyond', () => {
    expect(lowerBound('date', '0001-01-01', 16)?.readInt32LE()).toBe(-719162);
    expect(lowerBound('date', '1970-01-01', 16)?.readInt32LE()).toBe(0);
    expect(lowerBound('date', '9999-12-31', 16)?.readInt32LE()).toBe(2932896);
    expect(lowerBound('date', '0001-12-31 (BC)', 16)?.readInt32LE()).toBe(-719163);
    expect(int64('time', '23:59:59.999999')).toBe(86_399_999_999n);
    expect(int64('timestamp', '0001-01-01 00:00:00.000001')).toBe(-62_135_596_799_999_999n);
    expect(int64('timestamp', '1969-12-31 23:59:59.5')).toBe(-500_000n);
    expect(int64('timestamptz', '9999-12-31 23:59:59.999999+00')).toBe(253_402_300_799_999_999n);
  });

  test('agrees with Date on every day that Date knows', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0100-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const days = Math.floor(date.getTime() / 86_400_000);
          expect(lowerBound('date', date.toISOString().slice(0, 10), 16)?.readInt32LE()).toBe(days);
        },
      ),
    );
  });

  test('is left out where no value would be right', () => {
    expect(upperBound('timestamp', 'infinity', 16)).toBeUndefined();
    expect(upperBound('date', '-infinity', 16)).toBeUndefined();
    expect(upperBound('time', '24:00:00', 16)).toBeUndefined();
    expect(upperBound('string', '\u{10ffff}'.repeat(17), 16)).toBeUndefined();
    expect(upperBound('binary', 'ff'.repeat(17), 16)).toBeUndefined();
  });

  test('of zero covers both zeros', () => {
    expect(lowerBound('double', '0.0', 16)?.toString('hex')).toBe('0000000000000080');
    expect(upperBound('double', '-0.0', 16)?.toString('hex')).toBe('0000000000000000');
  });

  test('of a text or of bytes is at most 16 long and still on the right side', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (text, bytes) => {
        const raw = Buffer.from(text);
        fc.pre(raw.toString() === text);
        const [low, high] = [lowerBound('string', text, 16), upperBound('string', text, 16)];
        expect([...(low ?? '').toString()].length).toBeLessThanOrEqual(16);
        expect(Buffer.compare(low ?? raw, raw)).toBeLessThanOrEqual(0);
        expect(Buffer.compare(high ?? raw, raw)).toBeGreaterThanOrEqual(0);
        const blob = Buffer.from(bytes);
        const [first, last] = [
          lowerBound('binary', blob.toString('hex'), 16),
          upperBound('binary', blob.toString('hex'), 16),
        ];
        expect(Buffer.compare(first ?? blob, blob)).toBeLessThanOrEqual(0);
        expect(Buffer.compare(last ?? blob, blob)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('that is cut before a surrogate skips what UTF-8 cannot say', () => {
    expect(upperBound('string', `${'a'.repeat(15)}\ud7ffz`, 16)?.toString()).toBe(`${'a'.repeat(15)}\ue000`);
  });
});
