import type { PrimitiveType } from '../../contracts/schema.ts';
import type { LandingType } from './column-buffer.ts';

/** How a column of a type is landed; a decimal is told by its digits. */
export function landingOf(type: PrimitiveType): LandingType {
  switch (type) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'uuid':
    case 'binary':
    case 'string':
      return type;
    default:
      throw new RangeError('a type that no column is landed as');
  }
}
