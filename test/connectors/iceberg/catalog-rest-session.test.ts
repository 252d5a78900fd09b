import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import type { Catalog } from '../../../connectors/iceberg/catalog.ts';
import { catalogOf } from '../../../connectors/iceberg/open-catalog.ts';
import type { CatalogSpec } from '../../../contracts/job-catalog.ts';
import { catalogSchema } from '../../../contracts/job-catalog.ts';
import { freePorts } from '../../../worker/dev-server/ports.ts';
import type { FrontAnswer, FrontOptions, FrontRequest } from '../../support/catalog-front.ts';
import { startCatalogFront } from '../../support/catalog-front.ts';
import { localLake } from '../../support/catalogs.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { useIcebergRest } from '../../support/iceberg-rest.ts';

vi.setConfig({ testTimeout: 30_000 });
const server = useIcebergRest();

const refusal = (status: number, type: string): FrontAnswer => ({
  status,
  body: { error: { message: '', type, code: status } },
});
const isConfig = ({ path: asked }: FrontRequest) => asked.endsWith('/v1/config');

interface Asked {
  readonly catalog: Catalog;
  readonly requests: readonly FrontRequest[];
}

/** Asks a catalog that stands behind a front. */
async function behind(
  options: FrontOptions,
  settings: Partial<CatalogSpec> | ((front: string) => Partial<CatalogSpec>),
  work: (asked: Asked) => Promise<void>,
  reread?: () => Promise<CatalogSpec>,
): Promise<void> {
  await using folder = await temporaryFolder();
  await using front = await startCatalogFront(server().uri, options);
  const given = typeof settings === 'function' ? settings(front.uri) : settings;
  const spec = catalogSchema.parse({ type: 'rest', uri: front.uri, ...given });
  const catalog = await catalogOf(spec, localLake(folder.path), reread).open();
  await work({ catalog, requests: front.requests });
}

/** Lets in who shows one of these tokens. */
function guarded(isValid: (token: string) => boolean, tokens?: (request: FrontRequest) => FrontAnswer): FrontOptions {
  return {
    answer: (request) => {
      if (tokens !== undefined && request.path.endsWith('/oauth/tokens')) return tokens(request);
      const shown = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      return isValid(shown) ? undefined : refusal(401, 'NotAuthorizedException');
    },
  };
}

describe('a REST catalog that asks who comes', () => {
  test('is shown the token of the job', () =>
    behind(
      guarded((token) => token === 'let-me-in'),
      { token: 'let-me-in' },
      async ({ catalog }) => {
        expect(await catalog.tables('nothing_here')).toEqual([]);
      },
    ));

  test('says in one sentence that it refuses the token, and never the token', () =>
    behind(
      guarded(() => false),
      { token: 'secret-3c0a' },
      async ({ catalog }) => {
        const error = await catalog.namespaces().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'CATALOG_DENIED' });
        expect(String(error)).toContain('status 401 (NotAuthorizedException)');
        expect(String(error)).not.toContain('secret-3c0a');
      },
    ));

  test('is shown the new token once the old one is refused', async () => {
    let current = 'first';
    const spec = (token: string) => catalogSchema.parse({ type: 'rest', token });
    await behind(
      guarded((token) => token === current),
      { token: 'first' },
      async ({ catalog }) => {
        await catalog.namespaces();
        current = 'second';
        await catalog.namespaces();
      },
      async () => spec(current),
    );
  });

  test('is asked for a token with the credential once for many requests, and again when it is refused', async () => {
    let issued = 0;
    let valid = 0;
    const asked: URLSearchParams[] = [];
    const tokens = ({ body }: FrontRequest) => {
      asked.push(new URLSearchParams(body));
      issued += 1;
      valid = issued;
      return { status: 200, body: { access_token: `token-${issued}`, token_type: 'bearer', expires_in: 3600 } };
    };
    const options = guarded((token) => token === `token-${valid}`, tokens);
    await behind(
      options,
      { credential: 'me:my:secret', scope: 'lake:write', audience: 'tests' },
      async ({ catalog }) => {
        await Promise.all([catalog.namespaces(), catalog.namespaces(), catalog.tables('nothing_here')]);
        expect(issued).toBe(1);
        expect(Object.fromEntries(asked[0] ?? [])).toEqual({
          grant_type: 'client_credentials',
          client_id: 'me',
          client_secret: 'my:secret',
          scope: 'lake:write',
          audience: 'tests',
        });
        valid = -1;
        await catalog.namespaces();
        expect(issued).toBe(2);
      },
    );
  });

  test('is asked for a token with the credential as it is now, once the one it had is refused', async () => {
    let current = 'me:first';
    const tokens = ({ body }: FrontRequest) =>
      new URLSearchParams(body).get('client_secret') === current.slice('me:'.length)
        ? { status: 200, body: { access_token: `token-of-${current}`, token_type: 'bearer', expires_in: 3600 } }
        : { status: 400, body: { error: 'invalid_client' } };
    const options = guarded((token) => token === `token-of-${current}`, tokens);
    const read = async () => catalogSchema.parse({ type: 'rest', credential: current });
    // The first question already meets a credential that was replaced.
    await behind(options, { credential: 'me:stale' }, ({ catalog }) => catalog.namespaces().then(() => {}), read);
    await behind(
      options,
      { credential: 'me:first' },
      async ({ catalog }) => {
        await catalog.namespaces();
        current = 'me:second';
        await Promise.all([catalog.namespaces(), catalog.tables('nothing_here')]);
      },
      read,
    );
  });

  test('is asked for the next token before the old one expires', async () => {
    let issued = 0;
    const tokens = () => {
      issued += 1;
      return { status: 200, body: { access_token: `token-${issued}`, token_type: 'bearer', expires_in: 1 } };
    };
    const shown = new Set<string>();
    const options = guarded((token) => shown.add(token).size > 0 && token === `token-${issued}`, tokens);
    await behind(options, { credential: 'secret-alone' }, async ({ catalog, requests }) => {
      await catalog.namespaces();
      await new Promise((resolve) => setTimeout(resolve, 700));
      await catalog.namespaces();
      expect([...shown]).toEqual(['token-1', 'token-2']);
      expect(requests.filter(({ path: asked }) => asked.endsWith('/oauth/tokens'))).toHaveLength(2);
    });
  });

  test('may leave tokens to another server', async () => {
    await using issuer = await startCatalogFront(server().uri, {
      answer: () => ({ status: 200, body: { access_token: 'from-elsewhere', token_type: 'bearer' } }),
    });
    const settings = { credential: 'me:secret', oauth2_server_uri: `${issuer.uri}/realms/lake/token` };
    await behind(
      guarded((token) => token === 'from-elsewhere'),
      settings,
      async ({ catalog }) => {
        await catalog.namespaces();
        expect(issuer.requests.map(({ path: asked }) => asked)).toEqual(['/realms/lake/token']);
      },
    );
  });

  test('refuses a wrong credential in one sentence', () =>
    behind(
      guarded(
        () => false,
        () => ({ status: 400, body: { error: 'invalid_client' } }),
      ),
      { credential: 'me:secret-77ab' },
      async ({ catalog }) => {
        const error = await catalog.namespaces().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'CATALOG_DENIED' });
        expect(String(error)).not.toContain('secret-77ab');
      },
    ));
});

describe('a REST catalog with an opinion', () => {
  test('is asked under its prefix, with its headers and for its warehouse', () =>
    behind(
      {
        answer: ({ path: asked, headers, query }) => {
          if (asked.endsWith('/v1/config')) {
            const body = {
              defaults: { 'header.x-flavour': 'plain', prefix: 'old' },
              overrides: { prefix: 'lakes%2Fone' },
            };
            return query.get('warehouse') === 'prod' ? { status: 200, body } : refusal(404, 'NotFoundException');
          }
          const isRight =
            asked === '/v1/lakes%2Fone/namespaces' && headers['x-flavour'] === 'plain' && headers['x-realm'] === 'here';
          return isRight ? { status: 200, body: { namespaces: [['shop']] } } : refusal(400, 'BadRequestException');
        },
      },
      { warehouse: 'prod', headers: { 'X-Realm': 'here' } },
      async ({ catalog, requests }) => {
        expect(await catalog.namespaces()).toEqual(['shop']);
        expect(requests.filter(isConfig)).toHaveLength(1);
      },
    ));

  test('lists in pages, and namespaces within namespaces are left out', () => {
    const pages: Record<string, object> = {
      '': { namespaces: [['a'], ['b', 'inner']], 'next-page-token': 'two' },
      two: { namespaces: [['c']], 'next-page-token': null },
    };
    const answer = (request: FrontRequest) =>
      request.path.endsWith('/namespaces')
        ? { status: 200, body: pages[request.query.get('pageToken') ?? ''] }
        : undefined;
    return behind({ answer }, {}, async ({ catalog }) => {
      expect(await catalog.namespaces()).toEqual(['a', 'c']);
    });
  });

  test('that asks for patience is given it', () => {
    let refusals = 2;
    const answer = (request: FrontRequest) => {
      if (!request.path.endsWith('/namespaces') || refusals === 0) return undefined;
      refusals -= 1;
      return refusal(refusals === 0 ? 503 : 429, 'SlowDownException');
    };
    return behind({ answer }, {}, async ({ catalog }) => {
      await catalog.namespaces();
      expect(refusals).toBe(0);
    });
  });

  test('keeps views and tables apart', async () => {
    const namespace = `views_${randomUUID().slice(0, 8)}`;
    const create = async (below: string, body: object) => {
      const response = await fetch(`${server().uri}/v1/${below}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(200);
    };
    const schema = { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'n', type: 'long', required: false }] };
    await create('namespaces', { namespace: [namespace] });
    await create(`namespaces/${namespace}/tables`, { name: 'orders', schema });
    await create(`namespaces/${namespace}/views`, {
      name: 'latest',
      schema,
      'view-version': {
        'version-id': 1,
        'timestamp-ms': Date.now(),
        'schema-id': 0,
        summary: {},
        'default-namespace': [namespace],
        representations: [{ type: 'sql', sql: 'SELECT 1 AS n', dialect: 'spark' }],
      },
      properties: {},
    });
    await behind({}, {}, async ({ catalog }) => {
      expect(await catalog.tables(namespace)).toEqual(['orders']);
      await expect(catalog.load({ namespace, table: 'latest' })).rejects.toMatchObject({
        code: 'TABLE_NOT_OURS',
        message: expect.stringContaining('a view of that name'),
      });
    });
  });
});

describe('what cannot be used as a REST catalog is refused in one sentence:', () => {
  async function refused(settings: object): Promise<unknown> {
    await using folder = await temporaryFolder();
    const spec = catalogSchema.parse({ type: 'rest', timeout_seconds: 2, ...settings });
    const catalog = await catalogOf(spec, localLake(folder.path)).open();
    return catalog.namespaces().catch((thrown: unknown) => thrown);
  }

  test('nothing that listens', async () => {
    const [port] = await freePorts(1);
    expect(await refused({ uri: `http://127.0.0.1:${port}` })).toMatchObject({ code: 'CATALOG_UNAVAILABLE' });
  });

  test('another kind of server', async () => {
    const other = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    expect(await refused({ uri: `http://127.0.0.1:${port}` })).toMatchObject({ code: 'CATALOG_NOT_FOUND' });
    await new Promise((resolve) => other.close(resolve));
  });

  test('a path that is not the catalog', async () => {
    expect(await refused({ uri: `${server().uri}/elsewhere` })).toMatchObject({
      code: expect.stringMatching(/^CATALOG_(NOT_FOUND|REFUSED)$/),
    });
  });

  test('a right that is missing', () =>
    behind(
      { answer: (request) => (isConfig(request) ? undefined : refusal(403, 'ForbiddenException')) },
      {},
      async ({ catalog }) => {
        await expect(catalog.namespaces()).rejects.toMatchObject({ code: 'CATALOG_DENIED' });
        await expect(catalog.load({ namespace: 'shop', table: 't' })).rejects.toMatchObject({ code: 'CATALOG_DENIED' });
      },
    ));

  test('a warehouse that it does not know', () =>
    behind({ answer: () => refusal(404, 'NotFoundException') }, { warehouse: 'nope' }, async ({ catalog }) => {
      await expect(catalog.namespaces()).rejects.toMatchObject({ code: 'CATALOG_NOT_FOUND' });
    }));
});
