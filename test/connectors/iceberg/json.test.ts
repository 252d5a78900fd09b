import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson, writeJson } from '../../../connectors/iceberg/json.ts';

const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(asParsed),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
    fc.string({ unit: 'binary' }),
    // Texts that look like what a careless tokenizer would take for a number.
    fc.constantFrom('9223372036854775807', '": 9223372036854775807,', '\\"12345678901234567890', '\u0001123'),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('json'), { maxKeys: 4 }),
  ),
}));

/** An integer is a number where a number can hold it. */
function asParsed(value: bigint): bigint | number {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

describe('JSON with 64-bit integers', () => {
  test('is the same after writing and parsing', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseJson(writeJson(value))).toEqual(value);
      }),
    );
  });

  test('keeps every digit of a snapshot id, also beside strings that hold digits', () => {
    const text =
      '{"current-snapshot-id":3739065575707657872,"a\\"b":"3739065575707657872","list":[-9223372036854775808,1.5]}';
    expect(writeJson(parseJson(text))).toBe(text);
    expect(parseJson(text)).toHaveProperty('current-snapshot-id', 3739065575707657872n);
  });

  test('refuses what JSON.parse refuses', () => {
    for (const text of ['', '{', '[1,]', '{"a":01}', 'nul']) expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});
