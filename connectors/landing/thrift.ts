/** Values of Thrift's compact protocol, as far as Parquet's footers and page headers need them. */
export type ThriftValue =
  | { readonly kind: 'i32' | 'i64'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'struct'; readonly fields: ThriftStruct }
  | { readonly kind: 'list'; readonly of: ListElement; readonly values: readonly ThriftValue[] };
type ListElement = 'i32' | 'text' | 'struct';

/** Fields by their ids, in rising order; an undefined one is left out. */
export type ThriftStruct = Readonly<Record<number, ThriftValue | undefined>>;

export const i32 = (value: number): ThriftValue => ({ kind: 'i32', value });
export const i64 = (value: number): ThriftValue => ({ kind: 'i64', value });
export const bool = (value: boolean): ThriftValue => ({ kind: 'bool', value });
export const text = (value: string): ThriftValue => ({ kind: 'text', value });
export const struct = (fields: ThriftStruct): ThriftValue => ({ kind: 'struct', fields });
export const list = (of: ListElement, values: readonly ThriftValue[]): ThriftValue => ({ kind: 'list', of, values });

const TYPE = { i32: 5, i64: 6, text: 8, list: 9, struct: 12 } as const;
const TRUE = 1;
const FALSE = 2;
const STOP = 0;
/** Of lists and fields whose size, or distance, does not fit into half a byte. */
const SHORT_LIST = 15;

/**
 * A struct in Thrift's compact protocol (specification: thrift-compact-protocol.md of Apache Thrift). Integers must be
 * safe ones.
 */
export function encodeThrift(fields: ThriftStruct): Buffer {
  const bytes: number[] = [];
  writeStruct(bytes, fields);
  return Buffer.from(bytes);
}

function writeStruct(bytes: number[], fields: ThriftStruct): void {
  let before = 0;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const id = Number(key);
    const type = value.kind === 'bool' ? (value.value ? TRUE : FALSE) : TYPE[value.kind];
    // All ids of Parquet's structs are less than sixteen apart.
    bytes.push(((id - before) << 4) | type);
    before = id;
    if (value.kind !== 'bool') writeValue(bytes, value);
  }
  bytes.push(STOP);
}

function writeValue(bytes: number[], value: ThriftValue): void {
  switch (value.kind) {
    case 'i32':
    case 'i64':
      writeVarint(bytes, value.value >= 0 ? value.value * 2 : value.value * -2 - 1);
      return;
    case 'bool':
      bytes.push(value.value ? TRUE : FALSE);
      return;
    case 'text': {
      const encoded = Buffer.from(value.value);
      writeVarint(bytes, encoded.length);
      bytes.push(...encoded);
      return;
    }
    case 'struct':
      writeStruct(bytes, value.fields);
      return;
    case 'list': {
      const { length } = value.values;
      if (length < SHORT_LIST) bytes.push((length << 4) | TYPE[value.of]);
      else {
        bytes.push((SHORT_LIST << 4) | TYPE[value.of]);
        writeVarint(bytes, length);
      }
      for (const element of value.values) writeValue(bytes, element);
    }
  }
}

/** An unsigned integer, seven bits in a byte, the lowest first; so Parquet writes the lengths of runs, too. */
export function writeVarint(bytes: number[], value: number): void {
  let left = value;
  while (left >= 128) {
    bytes.push((left % 128) | 128);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
}
