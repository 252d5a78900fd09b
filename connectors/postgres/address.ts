import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { AddressForm } from '../database/address.ts';
import { certificateIn, isLoopback, parseAddressParts, wrongConnection } from '../database/address.ts';

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
const FORM: AddressForm = {
  connector: 'postgres',
  protocols: ['postgresql:', 'postgres:'],
  port: 5432,
  parameters: ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host'],
};

/**
 * Reads `postgresql://user:password@host:5432/database?sslmode=…&sslrootcert=…&sslcert=…&sslkey=…`. Without a mode, a
 * server on another machine has to show a certificate that fits its name. Throws SOURCE_UNREADABLE.
 */
export function parseAddress(text: string | undefined): PostgresAddress {
  const { parameters, ...parts } = parseAddressParts(text, FORM);
  const host = parameters.get('host') ?? parts.host;
  return {
    ...parts,
    host,
    ssl: tlsOf(parameters, host, host.startsWith('/') || isLoopback(host)),
    shown: `Postgres at ${host}:${parts.port}/${parts.database}`,
  };
}

function tlsOf(parameters: URLSearchParams, host: string, isLocal: boolean): ConnectionOptions | false {
  const mode = parameters.get('sslmode') ?? (isLocal ? 'disable' : 'verify-full');
  if (!SSL_MODES.includes(mode)) {
    throw wrongConnection(`sslmode ${mode} in the connection`, `one of ${SSL_MODES.join(', ')}`);
  }
  if (mode === 'disable') return false;
  const [ca, cert, key] = ['sslrootcert', 'sslcert', 'sslkey'].map((name) => certificateIn(parameters, name));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: mode !== 'require',
    ...(mode === 'verify-full' ? nameOf(host) : { checkServerIdentity: () => undefined }),
  };
}

/** An address is no server name (RFC 6066), and is compared with the certificate all the same. */
function nameOf(host: string): ConnectionOptions {
  return isIP(host) === 0 ? { servername: host } : { host };
}
