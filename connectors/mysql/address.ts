import type { SslOptions } from 'mysql2';
import type { AddressForm } from '../database/address.ts';
import { certificateIn, isLoopback, parseAddressParts, wrongConnection } from '../database/address.ts';

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
const FORM: AddressForm = {
  connector: 'mysql',
  protocols: ['mysql:', 'mariadb:'],
  port: 3306,
  parameters: ['ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key', 'socket'],
};

/**
 * Reads `mysql://user:password@host:3306/database?ssl-mode=…&ssl-ca=…&ssl-cert=…&ssl-key=…&socket=…`. Without a mode, a
 * server on another machine has to show a certificate that fits its name. Throws SOURCE_UNREADABLE.
 */
export function parseAddress(text: string | undefined): MySqlAddress {
  const { parameters, ...parts } = parseAddressParts(text, FORM);
  const { host, port, database } = parts;
  const socket = parameters.get('socket') ?? undefined;
  return {
    ...parts,
    socket,
    ssl: tlsOf(parameters, socket !== undefined || isLoopback(host)),
    shown: `the database ${database} at ${socket ?? `${host}:${port}`}`,
  };
}

function tlsOf(parameters: URLSearchParams, isLocal: boolean): SslOptions | undefined {
  const mode = (parameters.get('ssl-mode') ?? (isLocal ? 'DISABLED' : 'VERIFY_IDENTITY')).toUpperCase();
  if (!SSL_MODES.includes(mode)) {
    throw wrongConnection(`ssl-mode ${mode} in the connection`, `one of ${SSL_MODES.join(', ')}`);
  }
  if (mode === 'DISABLED') return undefined;
  const [ca, cert, key] = ['ssl-ca', 'ssl-cert', 'ssl-key'].map((name) => certificateIn(parameters, name));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: mode !== 'REQUIRED',
    verifyIdentity: mode === 'VERIFY_IDENTITY',
  };
}
