import { transformParts } from '../../contracts/partition-by.ts';
import type { PrimitiveType } from '../../contracts/schema.ts';
import { decimalParts } from '../../contracts/schema.ts';
import { civilFromDays } from './civil-date.ts';
import type { PartitionKey } from './layout.ts';
import type { PartitionTuple } from './partition.ts';
import type { SingleValue } from './single-value.ts';
import { isBytes, MICROS_PER_DAY } from './single-value.ts';

/** A partition key with the type of its values. */
export interface TypedKey {
  readonly key: PartitionKey;
  readonly type: PrimitiveType;
}

/** File systems take names of 255 bytes, most of them. */
const LONGEST_VALUE = 120;

/**
 * The folder of a partition in Hive's style, `created_at_day=2024-05-01/country=NL`, encoded as Iceberg's own writers
 * do. It is for people and listings: what partition a file belongs to is told by its manifest. Long values are cut.
 */
export function partitionFolder(keys: readonly TypedKey[], tuple: PartitionTuple): string {
  return keys
    .map(
      ({ key, type }, index) =>
        `${encoded(key.name)}=${shortened(encoded(shown(key.transform, type, tuple[index] ?? null)))}`,
    )
    .join('/');
}

/** A value as people write it: `2024`, `2024-05`, `2024-05-01`, `2024-05-01-13`, else as the value itself. */
function shown(transform: string, type: PrimitiveType, value: SingleValue | null): string {
  if (value === null) return 'null';
  const decimal = decimalParts(type);
  if (decimal) return withPoint(BigInt(String(value)), decimal.scale);
  switch (transformParts(transform).name) {
    case 'year':
      return padded(1970 + Number(value), 4);
    case 'month': {
      const months = Number(value);
      const year = 1970 + Math.floor(months / 12);
      return `${padded(year, 4)}-${padded(months - (year - 1970) * 12 + 1, 2)}`;
    }
    case 'hour': {
      const day = Math.floor(Number(value) / 24);
      return `${date(day)}-${padded(Number(value) - day * 24, 2)}`;
    }
    default:
      return ofType(type, value);
  }
}

function ofType(type: PrimitiveType, value: SingleValue): string {
  if (type === 'date') return date(Number(value));
  if (type === 'time') return time(BigInt(String(value)));
  if (type === 'timestamp' || type === 'timestamptz') {
    const micros = BigInt(String(value));
    const ofDay = ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
    const zone = type === 'timestamptz' ? '+00:00' : '';
    return `${date(Number((micros - ofDay) / MICROS_PER_DAY))}T${time(ofDay)}${zone}`;
  }
  if (!Buffer.isBuffer(value)) return String(value);
  return isBytes(type) ? value.toString('base64') : uuid(value.toString('hex'));
}

function date(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}

function time(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n);
  const fraction = String(micros % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${[hour, minute, second].map((part) => padded(part, 2)).join(':')}${fraction === '' ? '' : `.${fraction}`}`;
}

function uuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function withPoint(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, '0');
}

/** As HTML forms are: a space is `+`. A lone half of a surrogate pair, which has no encoding, becomes U+FFFD. */
function encoded(text: string): string {
  const strict = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*~]/g, strict);
}

/** Not in the middle of an encoded character. */
function shortened(value: string): string {
  return value.length <= LONGEST_VALUE ? value : value.slice(0, LONGEST_VALUE).replace(/%[0-9A-F]?$/, '');
}
