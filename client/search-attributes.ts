import type { Client } from '@temporalio/client';
import { fail } from '../contracts/errors.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';

/** `IndexedValueType` of Temporal's API. */
const INDEXED_VALUE_TYPES = { KEYWORD: 2 } as const;

/** A server tells other nodes of a new attribute with some delay. */
const SETTLE_MS = 2_000;

/**
 * When a start was refused because the namespace lacks our search attributes, adds them and returns true. The dev
 * server gets them when it is started; this is for configured servers.
 */
export async function registerSearchAttributes(client: Client, refused: unknown): Promise<boolean> {
  if (!saysAttributeIsMissing(refused)) return false;
  const searchAttributes = Object.fromEntries(
    Object.values(SEARCH_ATTRIBUTES).map(({ name, type }) => [name, INDEXED_VALUE_TYPES[type]]),
  );
  const namespace = client.options.namespace;
  try {
    await client.connection.operatorService?.addSearchAttributes({ namespace, searchAttributes });
  } catch {
    // Whatever the reason: somebody with more rights has to do it.
    throw fail('SEARCH_ATTRIBUTES_MISSING', {
      received: `the namespace ${namespace}, which lacks search attributes and does not let Dativo create them`,
      expected: `${Object.keys(searchAttributes).join(', ')}, each of type Keyword`,
      next: 'create them with `temporal operator search-attribute create`, or in the settings of the namespace',
    });
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return true;
}

/** INVALID_ARGUMENT with the attribute's name, under the client's own error. */
function saysAttributeIsMissing(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (
      /search attribute/i.test(at.message) &&
      Object.values(SEARCH_ATTRIBUTES).some(({ name }) => at.message.includes(name))
    ) {
      return true;
    }
  }
  return false;
}
