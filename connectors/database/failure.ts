import type { DativoError, ErrorCode, ErrorParts } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';

/** What a failure of a database means: `received` follows the name of the server, as the rest of a sentence. */
export interface ServerFailure extends ErrorParts {
  readonly code: ErrorCode;
}

/** Neither the server nor the network says more. */
export const NO_ANSWER: ServerFailure = {
  code: 'SOURCE_UNREACHABLE',
  received: 'does not answer',
  expected: 'a server that can be reached',
  next: 'check host and port in source.connection, the server and the network; it is tried again',
};

/** `shown` names the database, and the object if there is one; nothing in it is secret. */
export function failureOf(shown: string, { code, received, expected, next }: ServerFailure): DativoError {
  return fail(code, { received: `${shown} ${received}`, expected, next });
}
