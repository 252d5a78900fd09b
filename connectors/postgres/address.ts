import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';

/** A connection string, taken apart. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** False: without TLS. */
  readonly ssl: ConnectionOptions | false;
  /** Host, port and database, and nothing that is secret; for messages. */
  readonly shown: string;
}

/** Values of `sslmode` as libpq has them; those that fall back to no encryption in silence are not among them. */
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;
const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host'];

/**
 * Reads `postgresql://user:password@host:5432/database?sslmode=…&sslrootcert=…&sslcert=…&sslkey=…`. Without a mode, a
 * server on another machine has to show a certificate that fits its name. Throws SOURCE_UNREADABLE.
 */
export function parseAddress(text: string | undefined): PostgresAddress {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2) {
    throw wrong(
      text === undefined
        ? 'a postgres source without source.connection'
        : 'a connection that is no address of a database',
      'postgresql://user:password@host:5432/database',
    );
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) throw wrong(`the parameter ${unknown} in the connection`, PARAMETERS.join(', '));
  const socket = url.searchParams.get('host');
  const host = socket ?? (url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, ''));
  const port = url.port === '' ? 5432 : Number(url.port);
  const database = decodeURIComponent(url.pathname.slice(1));
  const isLocal = host.startsWith('/') || LOOPBACK.test(host);
  return {
    host,
    port,
    database,
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    ssl: tlsOf(url.searchParams, host, isLocal),
    shown: `Postgres at ${host}:${port}/${database}`,
  };
}

function tlsOf(parameters: URLSearchParams, host: string, isLocal: boolean): ConnectionOptions | false {
  const mode = parameters.get('sslmode') ?? (isLocal ? 'disable' : 'verify-full');
  if (!SSL_MODES.includes(mode)) throw wrong(`sslmode ${mode} in the connection`, `one of ${SSL_MODES.join(', ')}`);
  if (mode === 'disable') return false;
  const file = (name: string) => {
    const path = parameters.get(name);
    return path === null ? {} : { [TLS_OPTION[name] ?? name]: readCertificate(name, path) };
  };
  return {
    ...file('sslrootcert'),
    ...file('sslcert'),
    ...file('sslkey'),
    rejectUnauthorized: mode !== 'require',
    ...(mode === 'verify-full' ? nameOf(host) : { checkServerIdentity: () => undefined }),
  };
}

/** An address is no server name (RFC 6066), and is compared with the certificate all the same. */
function nameOf(host: string): ConnectionOptions {
  return isIP(host) === 0 ? { servername: host } : { host };
}

const TLS_OPTION: Readonly<Record<string, string>> = { sslrootcert: 'ca', sslcert: 'cert', sslkey: 'key' };

function readCertificate(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = hasErrnoCode(error) ? ` (${error.code})` : '';
    throw wrong(`${name} ${path}, which cannot be read${why}`, 'a file in the form PEM');
  }
}

function wrong(received: string, expected: string) {
  return fail('SOURCE_UNREADABLE', { received, expected, next: 'correct source.connection' });
}
