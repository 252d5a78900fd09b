import { DativoError, fail, hasErrnoCode } from '../contracts/errors.ts';
import type { Terminal } from './terminal.ts';
import { painter } from './terminal.ts';

/**
 * Any failure as one of Dativo's own. A text that comes from elsewhere is not passed on, because it may quote what it
 * was working on; what it was is told by its class, and DATIVO_DEBUG shows the rest.
 */
export function asDativoError(error: unknown): DativoError {
  if (error instanceof DativoError) return error;
  const known = foreignError(error);
  if (known) return known;
  const name = error instanceof Error ? error.name : typeof error;
  const code = hasErrnoCode(error) ? ` ${error.code}` : '';
  return fail('UNEXPECTED', {
    received: `a failure that Dativo has no name for (${name}${code})`,
    expected: 'the command to work',
    next: 'run it again with DATIVO_DEBUG=1 to see where it comes from, and report it',
  });
}

/** Of Temporal's client by class name, so that this file does not load the client. */
function foreignError(error: unknown): DativoError | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'WorkflowNotFoundError') {
    return fail('RUN_NOT_FOUND', {
      received: 'a run that the Temporal server does not know',
      expected: 'a run that is there',
      next: 'see `dativo runs`',
    });
  }
  const grpcCode = grpcCodeOf(error);
  if (grpcCode === GRPC.permissionDenied || grpcCode === GRPC.unauthenticated) {
    return fail('SERVER_UNREACHABLE', {
      received: 'a Temporal server that does not accept these credentials',
      expected: 'an API key or certificate for this namespace',
      next: 'correct TEMPORAL_API_KEY, the profile or TEMPORAL_NAMESPACE',
    });
  }
  if (grpcCode === GRPC.unavailable || grpcCode === GRPC.deadlineExceeded || /connect/i.test(error.name)) {
    return fail('SERVER_UNREACHABLE', {
      received: 'no answer from the Temporal server',
      expected: 'a server at the configured address',
      next: 'check TEMPORAL_ADDRESS and that the server runs, or unset it to use the built-in dev server',
    });
  }
  return undefined;
}

/** Status codes of gRPC (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const GRPC = { deadlineExceeded: 4, permissionDenied: 7, unavailable: 14, unauthenticated: 16 } as const;

function grpcCodeOf(error: Error): number | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'number') return at.code;
  }
  return undefined;
}

/** One sentence with its code; as JSON on the output as well when the command was asked for JSON. */
export function reportError(
  error: unknown,
  terminal: Terminal,
  options: { json: boolean; env: NodeJS.ProcessEnv },
): DativoError {
  const known = asDativoError(error);
  const { bad, dim } = painter(terminal.err.isColoured);
  terminal.err.write(`${bad('dativo:')} ${known.message} ${dim(`(${known.code})`)}\n`);
  if (options.env['DATIVO_DEBUG'] && error instanceof Error) terminal.err.write(`${error.stack ?? ''}\n`);
  if (options.json) {
    const { code, kind, message, parts } = known;
    terminal.out.write(`${JSON.stringify({ error: { code, kind, message, ...parts } }, undefined, 2)}\n`);
  }
  return known;
}
