import type { ErrorCode } from '../../../contracts/errors.ts';
import { DativoError, fail } from '../../../contracts/errors.ts';
import { CERTIFICATE } from '../../postgres/errors.ts';

/** SQLSTATE, or the class that its first two characters name (Postgres manual, appendix A) → what it means here. */
const CODE_OF_STATE: Readonly<Record<string, ErrorCode>> = {
  '28': 'CATALOG_DENIED',
  '3D': 'CATALOG_NOT_FOUND',
  '3F': 'CATALOG_NOT_FOUND',
  '42501': 'CATALOG_DENIED',
  '42P01': 'CATALOG_NOT_FOUND',
  '25006': 'CATALOG_DENIED',
  '55P03': 'CATALOG_BUSY',
  '57014': 'CATALOG_BUSY',
  '40': 'CATALOG_BUSY',
};

const NEXT: Partial<Record<ErrorCode, string>> = {
  CATALOG_DENIED: 'correct the user and password in target.catalog.uri, or give that user rights to the tables',
  CATALOG_NOT_FOUND: 'correct the database or schema in target.catalog.uri, or create it',
  CATALOG_BUSY: 'wait for the other writer, or stop it; the commit is tried again',
};

/** An error of node-postgres without its text; an error of ours passes unchanged. `address` holds no secret. */
export function postgresError(error: unknown, address: string): unknown {
  if (error instanceof DativoError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no answer';
  const isCertificate = CERTIFICATE.test(code);
  const meaning =
    CODE_OF_STATE[code] ?? CODE_OF_STATE[code.slice(0, 2)] ?? (isCertificate ? 'CATALOG_DENIED' : undefined);
  const known = meaning ?? 'CATALOG_UNAVAILABLE';
  return fail(known, {
    received: `${/^[A-Z0-9_]{2,40}$/.test(code) ? code : 'no answer'} from ${address}, which holds the catalog`,
    expected: isCertificate
      ? 'a certificate that this machine trusts'
      : 'a Postgres database that this user may read and write',
    next: isCertificate
      ? 'name its authority with sslrootcert in target.catalog.uri or with NODE_EXTRA_CA_CERTS'
      : (NEXT[known] ?? 'check that it runs and can be reached from here; the step is tried again'),
  });
}
