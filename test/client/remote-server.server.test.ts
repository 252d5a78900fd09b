import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { msToTs } from '@temporalio/common/lib/time.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { queryLake } from '../../worker/lake/query.ts';
import { createAuthority } from '../support/certificates.ts';
import { dativo } from '../support/cli.ts';
import { jobFolder } from '../support/job-folder.ts';
import { temporalServer, useClient } from '../support/temporal.ts';
import type { TlsProxyOptions } from '../support/tls-proxy.ts';
import { startTlsProxy } from '../support/tls-proxy.ts';

const authority = createAuthority('Test authority');
const certificate = authority.issue('dativo');
/** No name that the address has: clients must be told to expect it. */
const SERVER_NAME = 'temporal.test';
const API_KEY = 'api-key-4711';

const client = useClient();

let jobs = 0;
/** A job in a folder with the certificates, and a Temporal server as a cluster shows it. */
async function remote(options: Pick<TlsProxyOptions, 'clientAuthority' | 'apiKey' | 'forbids'>, names = [SERVER_NAME]) {
  const asset = `remote_${process.pid}_${++jobs}`;
  const folder = await jobFolder({
    'job.yaml': `source_connector: csv\nasset: ${asset}\nsource: { path: a.csv }\ntarget: { namespace: shop, warehouse: lake }\n`,
    'a.csv': 'id\n1\n2\n',
    'ca.pem': authority.cert,
    'client.pem': certificate.cert,
    'client.key': certificate.key,
  });
  const proxy = await startTlsProxy({
    target: temporalServer().address,
    server: authority.issue('server', names),
    ...options,
  });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const file = (name: string) => path.join(folder, name);
  return {
    folder,
    address: proxy.address,
    file,
    run: (env: NodeJS.ProcessEnv) => dativo(['run', 'job.yaml', '--with-worker'], { cwd: folder, env }),
    rows: async () =>
      (await queryLake({ warehouse: file('lake') }, `SELECT count(*) FROM shop.${asset}`, { limit: 1 })).rows,
  };
}

describe('a server behind TLS', () => {
  test('is reached by client and worker with a client certificate, an authority and a server name', async () => {
    const { address, run, rows, file } = await remote({ clientAuthority: authority.cert });
    const { code, stderr } = await run({
      TEMPORAL_ADDRESS: address,
      TEMPORAL_TLS: 'true',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem'),
      TEMPORAL_TLS_SERVER_NAME: SERVER_NAME,
      TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.pem'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key'),
    });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`Temporal server: ${address}, namespace default, as configured.`);
    expect(await rows()).toEqual([['2']]);
  });

  test('is reached with an API key, by a profile of Temporal’s own file', async () => {
    const { address, run, rows, file } = await remote({ apiKey: API_KEY });
    await mkdir(file('temporalio'));
    await writeFile(
      file('temporal.toml'),
      [
        '[profile.cluster]',
        `address = "${address}"`,
        'namespace = "default"',
        `api_key = "${API_KEY}"`,
        '[profile.cluster.tls]',
        `server_ca_cert_data = """\n${authority.cert}"""`,
        `server_name = "${SERVER_NAME}"`,
      ].join('\n'),
    );
    const { code, stdout, stderr } = await run({
      TEMPORAL_ADDRESS: undefined,
      TEMPORAL_CONFIG_FILE: file('temporal.toml'),
      TEMPORAL_PROFILE: 'cluster',
    });
    expect(code, stderr).toBe(0);
    expect(await rows()).toEqual([['2']]);
    expect(stdout + stderr).not.toContain(API_KEY);
  });

  test('that refuses the API key is told apart from one that does not answer', async () => {
    const { address, run, file } = await remote({ apiKey: API_KEY });
    const { code, stderr } = await run({
      TEMPORAL_ADDRESS: address,
      TEMPORAL_API_KEY: 'another-key',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem'),
      TEMPORAL_TLS_SERVER_NAME: SERVER_NAME,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not accept these credentials; expected .*SERVER_UNREACHABLE/);
    expect(stderr).not.toContain('another-key');
  });

  test('whose certificate does not fit is refused with what to check', async () => {
    const { address, run, file } = await remote({}, ['another.test']);
    const { code, stderr } = await run({
      TEMPORAL_ADDRESS: address,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem'),
      TEMPORAL_TLS_SERVER_NAME: SERVER_NAME,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /no Temporal server that answers at .*; expected .*TEMPORAL_TLS and its certificates.*SERVER_UNREACHABLE/,
    );
  });

  test('that wants TLS is not waited for without it for long', async () => {
    const { address, run } = await remote({});
    const { code, stderr } = await run({ TEMPORAL_ADDRESS: address });
    expect(code).toBe(1);
    expect(stderr).toMatch(/TEMPORAL_TLS.*SERVER_UNREACHABLE/);
  });
});

describe('a configuration that cannot be used', () => {
  test('is refused when a certificate has no key', async () => {
    const { address, run, file } = await remote({});
    const { code, stderr } = await run({
      TEMPORAL_ADDRESS: address,
      TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.pem'),
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/a client certificate without its key; expected .*USAGE/);
  });

  test('is refused when a file or a profile is missing', async () => {
    const { address, run, file } = await remote({});
    const missing = await run({ TEMPORAL_ADDRESS: address, TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('nothing.pem') });
    expect([missing.code, missing.stderr]).toMatchObject([2, expect.stringContaining('readable certificate files')]);
    const profile = await run({ TEMPORAL_ADDRESS: undefined, TEMPORAL_PROFILE: 'nobody' });
    expect([profile.code, profile.stderr]).toMatchObject([2, expect.stringContaining('TEMPORAL_PROFILE=nobody')]);
  });

  test('is refused when the server has no such namespace', async () => {
    const { run } = await remote({});
    const { code, stderr } = await run({ TEMPORAL_NAMESPACE: 'nowhere' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/no namespace "nowhere" at .*; expected .*TEMPORAL_NAMESPACE.*NAMESPACE_NOT_FOUND/);
  });

  test('is refused when search attributes are missing and may not be created', async () => {
    const { address, run, file } = await remote({ forbids: ['/AddSearchAttributes'] });
    const namespace = `guarded-${process.pid}`;
    await client().connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('3 days'),
    });
    const env = {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem'),
      TEMPORAL_TLS_SERVER_NAME: SERVER_NAME,
    };
    // Nodes hear of a new namespace with some delay.
    await expect
      .poll(async () => (await run(env)).stderr, { timeout: 40_000 })
      .toMatch(/DativoTenant.*each of type Keyword.*SEARCH_ATTRIBUTES_MISSING/);
  });
});
