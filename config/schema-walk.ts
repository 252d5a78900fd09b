import { z } from 'zod';
import type { JsonTree, KeyPath } from './json-tree.ts';
import { isObject, valueAt } from './json-tree.ts';

type Schema = z.core.$ZodType;

/** The schema that says what a value may be, without the wrappers that say that it may be absent or is changed. */
export function unwrap(schema: Schema): Schema {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return unwrap(schema.unwrap());
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return unwrap(schema.unwrap());
  if (schema instanceof z.ZodLazy) return unwrap(schema.unwrap());
  if (schema instanceof z.ZodPipe) return unwrap(schema.in);
  return schema;
}

/**
 * The schema of the value at a path of a tree, or undefined where the schema has no such place. Of a union it takes
 * the branch that fits the value: by its discriminator, else by its kind (list, mapping, text).
 */
export function schemaAt(schema: Schema, tree: JsonTree, path: KeyPath): Schema | undefined {
  let current: Schema | undefined = schema;
  for (let depth = 0; depth <= path.length && current !== undefined; depth++) {
    current = branchFor(unwrap(current), valueAt(tree, path.slice(0, depth)));
    const key = path[depth];
    if (key !== undefined) current = childOf(current, key);
  }
  return current;
}

function childOf(schema: Schema, key: string | number): Schema | undefined {
  if (schema instanceof z.ZodObject) return Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined;
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

function branchFor(schema: Schema, value: JsonTree | undefined): Schema {
  if (!(schema instanceof z.ZodUnion)) return schema;
  const options = schema.options.map(unwrap);
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const key = schema.def.discriminator;
    const wanted = valueAt(value, [key]);
    return options.find((option) => isLiteral(childOf(option, key), wanted)) ?? schema;
  }
  return options.find((option) => fitsKind(option, value)) ?? schema;
}

function isLiteral(schema: Schema | undefined, value: JsonTree | undefined): boolean {
  return schema instanceof z.ZodLiteral && schema.value === value;
}

function fitsKind(schema: Schema, value: JsonTree | undefined): boolean {
  if (schema instanceof z.ZodArray) return Array.isArray(value);
  if (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) return isObject(value);
  return schema instanceof z.ZodString && typeof value === 'string';
}

/** Keys of a mapping, in the order of the reference page; none for anything else. */
export function knownKeys(schema: Schema | undefined): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Schemas may contain themselves. */
const MAX_HOME_DEPTH = 3;

/** The first place other than `path` in which a key is known: `source` for `delimiter`. */
export function homeOfKey(schema: Schema, key: string, path: KeyPath = []): KeyPath | undefined {
  const object = unwrap(schema);
  if (!(object instanceof z.ZodObject) || path.length > MAX_HOME_DEPTH) return undefined;
  if (Object.hasOwn(object.shape, key)) return path;
  for (const [name, child] of Object.entries(object.shape)) {
    const home = homeOfKey(child, key, [...path, name]);
    if (home) return home;
  }
  return undefined;
}

/**
 * A text that came out of a variable as the number or truth value that its place asks for; the text itself where it
 * asks for neither or the text is none.
 */
export function coerceText(text: string, schema: Schema | undefined): string | number | boolean {
  if (schema instanceof z.ZodNumber) return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  if (schema instanceof z.ZodBoolean) return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}
