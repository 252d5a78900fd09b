import { expect, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import { temporalServer, useClient } from '../support/temporal.ts';

const client = useClient();

test("the suite's server knows the attributes that runs are found by", async () => {
  const { namespace } = temporalServer();
  const { customAttributes } = await client().connection.operatorService.listSearchAttributes({ namespace });
  expect(Object.keys(customAttributes)).toEqual(
    expect.arrayContaining(Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name)),
  );
});
