import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAvro, writeAvro } from '../../../connectors/iceberg/avro.ts';

const SCHEMA = {
  type: 'record',
  name: 'entry',
  fields: [
    { name: 'id', type: 'long', 'field-id': 1 },
    { name: 'text', type: ['null', 'string'], default: null, 'field-id': 2 },
    {
      name: 'sizes',
      'field-id': 3,
      type: {
        type: 'array',
        logicalType: 'map',
        items: {
          type: 'record',
          name: 'k4_v5',
          fields: [
            { name: 'key', type: 'int', 'field-id': 4 },
            { name: 'value', type: 'bytes', 'field-id': 5 },
          ],
        },
      },
    },
  ],
};

const record = fc.record({
  id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text: fc.option(fc.string({ unit: 'grapheme' })),
  sizes: fc.array(fc.record({ key: fc.integer(), value: fc.uint8Array().map((bytes) => Buffer.from(bytes)) })),
});

const plain = (records: readonly unknown[]) => structuredClone(records.map((one) => ({ ...Object(one) })));

const asWritten = () => undefined;

describe('an Avro container file', () => {
  test('gives back the records that were written, 64-bit integers whole', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const file = readAvro(writeAvro(SCHEMA, records, { content: 'data' }), asWritten);
        expect(plain(file.records)).toEqual(plain(records));
        expect(file.metadata.get('content')).toBe('data');
      }),
      { numRuns: 50 },
    );
  });

  test('may have more records than one block holds', () => {
    const records = Array.from({ length: 1700 }, (_, i) => ({ id: BigInt(i), text: null, sizes: [] }));
    expect(readAvro(writeAvro(SCHEMA, records, {}), asWritten).records).toHaveLength(1700);
  });

  test('keeps the field ids in its schema, which is how Iceberg finds fields', () => {
    const schema = readAvro(writeAvro(SCHEMA, [], {}), asWritten).metadata.get('avro.schema');
    expect(JSON.parse(schema ?? '')).toEqual(SCHEMA);
  });

  test('is read by field id when its writer used other names', () => {
    const written = writeAvro(SCHEMA, [{ id: 7n, text: 'x', sizes: [] }], {});
    expect(readAvro(written, (id) => (id === 1 ? 'number' : undefined)).records).toMatchObject([
      { number: 7n, text: 'x' },
    ]);
  });

  test('is refused when it is cut off, altered or of an unknown codec', () => {
    const whole = writeAvro(SCHEMA, [{ id: 1n, text: 'x'.repeat(50), sizes: [] }], {});
    for (const length of [0, 3, 40, whole.length - 1]) {
      expect(() => readAvro(whole.subarray(0, length), asWritten)).toThrow();
    }
    expect(() => readAvro(Buffer.from('PAR1, not Avro'), asWritten)).toThrow(RangeError);
    expect(() => readAvro(zlib.gzipSync(whole), asWritten)).toThrow(RangeError);
    expect(() => readAvro(writeAvro(SCHEMA, [], { 'avro.codec': 'snappy' }), asWritten)).toThrow(RangeError);
  });
});
