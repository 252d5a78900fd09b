import { readFileSync } from 'node:fs';
import type { SslOptions } from 'mysql2';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';

/** A connection string, taken apart. */
export interface MySqlAddress {
  readonly host: string;
  readonly port: number;
  /** Path of a socket in the file system, in place of host and port. */
  readonly socket: string | undefined;
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Undefined: without TLS. */
  readonly ssl: SslOptions | undefined;
  /** Host, port and database, and nothing that is secret; for messages. */
  readonly shown: string;
}

/** Values of `ssl-mode` as MySQL's own client has them; those that fall back to no encryption in silence are not among them. */
const SSL_MODES = ['DISABLED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'];
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;
const PARAMETERS = ['ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key', 'socket'];

/**
 * Reads `mysql://user:password@host:3306/database?ssl-mode=…&ssl-ca=…&ssl-cert=…&ssl-key=…&socket=…`. Without a mode, a
 * server on another machine has to show a certificate that fits its name. Throws SOURCE_UNREADABLE.
 */
export function parseAddress(text: string | undefined): MySqlAddress {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(mysql|mariadb):$/.test(url.protocol) || url.pathname.length < 2) {
    throw wrong(
      text === undefined ? 'a mysql source without source.connection' : 'a connection that is no address of a database',
      'mysql://user:password@host:3306/database',
    );
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) throw wrong(`the parameter ${unknown} in the connection`, PARAMETERS.join(', '));
  const host = url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 3306 : Number(url.port);
  const socket = url.searchParams.get('socket') ?? undefined;
  const database = decodeURIComponent(url.pathname.slice(1));
  return {
    host,
    port,
    socket,
    database,
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    ssl: tlsOf(url.searchParams, socket !== undefined || LOOPBACK.test(host)),
    shown: `the database ${database} at ${socket ?? `${host}:${port}`}`,
  };
}

function tlsOf(parameters: URLSearchParams, isLocal: boolean): SslOptions | undefined {
  const mode = (parameters.get('ssl-mode') ?? (isLocal ? 'DISABLED' : 'VERIFY_IDENTITY')).toUpperCase();
  if (!SSL_MODES.includes(mode)) throw wrong(`ssl-mode ${mode} in the connection`, `one of ${SSL_MODES.join(', ')}`);
  if (mode === 'DISABLED') return undefined;
  const file = (name: string) => {
    const path = parameters.get(name);
    return path === null ? undefined : readCertificate(name, path);
  };
  const [ca, cert, key] = [file('ssl-ca'), file('ssl-cert'), file('ssl-key')];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: mode !== 'REQUIRED',
    verifyIdentity: mode === 'VERIFY_IDENTITY',
  };
}

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
