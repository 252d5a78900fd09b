import { z } from 'zod';
import type { DativoError, ErrorCode } from '../../../contracts/errors.ts';
import { fail } from '../../../contracts/errors.ts';
import type { HttpAnswer } from './http.ts';
import { NoAnswer } from './http.ts';

/** Status → what it means, unless a request knows better. Server errors are CATALOG_UNAVAILABLE. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'CATALOG_DENIED',
  403: 'CATALOG_DENIED',
  404: 'CATALOG_NOT_FOUND',
  407: 'CATALOG_DENIED',
  419: 'CATALOG_DENIED',
  429: 'CATALOG_BUSY',
};

/** What the server calls it → what it means, whatever the status. */
const CODE_OF_TYPE: Readonly<Record<string, ErrorCode>> = {
  NoSuchReferenceException: 'CATALOG_NOT_FOUND',
};

const EXPECTED: Partial<Record<ErrorCode, string>> = {
  CATALOG_DENIED: 'credentials that the catalog accepts, with the right to do that',
  CATALOG_NOT_FOUND: 'an Iceberg REST catalog, and a reference in it, of that name',
  CATALOG_REFUSED: 'an Iceberg REST catalog that allows it',
};

const NEXT: Partial<Record<ErrorCode, string>> = {
  CATALOG_DENIED: 'correct token, credential or scope under target.catalog, or grant the right in the catalog',
  CATALOG_NOT_FOUND: 'correct uri (the part before /v1) or ref under target.catalog',
  CATALOG_REFUSED: 'look into the log of the catalog at this time for its reason',
  CATALOG_BUSY: 'the step is tried again',
};

/** An identifier such as `NoSuchTableException`: the only part of an error's body that is sure to hold no data. */
const ERROR_TYPE = /^[A-Za-z][A-Za-z0-9_]{1,60}$/;
const errorBody = z.object({ error: z.object({ type: z.string().regex(ERROR_TYPE) }) });

/** What kind of error the server calls it. */
export function errorType({ body }: HttpAnswer): string | undefined {
  return errorBody.safeParse(body).data?.error.type;
}

/** An answer that is not the wanted one, without its text. `doing` is a clause: "when loading the table shop.orders". */
export function refused(answer: HttpAnswer, address: string, doing: string): DativoError {
  const { status } = answer;
  const code =
    CODE_OF_TYPE[errorType(answer) ?? ''] ??
    CODE_OF_STATUS[status] ??
    (status >= 500 ? 'CATALOG_UNAVAILABLE' : 'CATALOG_REFUSED');
  const type = errorType(answer);
  return failure(
    code,
    `status ${status}${type === undefined ? '' : ` (${type})`} from the catalog at ${address} ${doing}`,
  );
}

/** An answer of the right status that is not what the protocol says. */
export function notProtocol(address: string, doing: string): DativoError {
  return failure('CATALOG_NOT_FOUND', `an answer that is not of the Iceberg REST protocol from ${address} ${doing}`);
}

/** No answer; any other error passes unchanged. */
export function unanswered(error: unknown, address: string, doing: string): unknown {
  if (!(error instanceof NoAnswer)) return error;
  const isCertificate = /CERT|TLS|UNABLE_TO_/.test(error.code);
  if (!isCertificate) return failure('CATALOG_UNAVAILABLE', `${error.code} from the catalog at ${address} ${doing}`);
  return fail('CATALOG_DENIED', {
    received: `${error.code}: a certificate of the catalog at ${address} that is not trusted`,
    expected: 'a certificate that this machine trusts',
    next: 'name its authority with NODE_EXTRA_CA_CERTS',
  });
}

function failure(code: ErrorCode, received: string): DativoError {
  return fail(code, {
    received,
    expected: EXPECTED[code] ?? 'an answer',
    next: NEXT[code] ?? 'check that it runs and can be reached from here; the step is tried again',
  });
}
