import { readFileSync } from 'node:fs';
import type { DativoError } from '../../contracts/errors.ts';
import { fail, hasErrnoCode } from '../../contracts/errors.ts';

/** How the connection strings of a database are written. */
export interface AddressForm {
  readonly connector: string;
  /** With the colon; the first one is shown as an example. */
  readonly protocols: readonly string[];
  readonly port: number;
  /** Those of the query that mean something; others are refused. */
  readonly parameters: readonly string[];
}

/** What connection strings of all databases have in common. */
export interface AddressParts {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly parameters: URLSearchParams;
}

/** Takes `protocol://user:password@host:port/database?parameters` apart. Throws SOURCE_UNREADABLE. */
export function parseAddressParts(text: string | undefined, form: AddressForm): AddressParts {
  const { connector, protocols, port, parameters } = form;
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !protocols.includes(url.protocol) || url.pathname.length < 2) {
    throw wrongConnection(
      text === undefined
        ? `a ${connector} source without source.connection`
        : 'a connection that is no address of a database',
      `${protocols[0]}//user:password@host:${port}/database`,
    );
  }
  const unknown = [...url.searchParams.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined) {
    throw wrongConnection(`the parameter ${unknown} in the connection`, parameters.join(', '));
  }
  return {
    host: url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? port : Number(url.port),
    database: decodeURIComponent(url.pathname.slice(1)),
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    parameters: url.searchParams,
  };
}

/** A host of this machine, which needs no encryption. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host);
}

/** The certificate or key in the file that a parameter names; undefined where the connection has no such parameter. */
export function certificateIn(parameters: URLSearchParams, name: string): string | undefined {
  const path = parameters.get(name);
  if (path === null) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = hasErrnoCode(error) ? ` (${error.code})` : '';
    throw wrongConnection(`${name} ${path}, which cannot be read${why}`, 'a file in the form PEM');
  }
}

export function wrongConnection(received: string, expected: string): DativoError {
  return fail('SOURCE_UNREADABLE', { received, expected, next: 'correct source.connection' });
}
