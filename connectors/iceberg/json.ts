/**
 * JSON whose integers survive. Snapshot ids of other writers use 63 bits, which JSON.parse rounds; here an integer
 * that a JavaScript number cannot hold is a bigint, and a bigint is written as plain digits.
 */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };

/** ECMAScript's source text access, which Node has and TypeScript's es2024 library does not describe yet. */
declare global {
  interface JSON {
    parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): Json;
    rawJSON(text: string): object;
  }
}

const INTEGER = /^-?\d+$/;

/** Throws SyntaxError like JSON.parse. */
export function parseJson(text: string): Json {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && INTEGER.test(source)
      ? BigInt(source)
      : value,
  );
}

export function writeJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? JSON.rawJSON(String(inner)) : inner,
  );
}
