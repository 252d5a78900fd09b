import { fail } from '../contracts/errors.ts';
import type { CommandContext } from './command.ts';
import type { Session } from './session.ts';
import { joinSession } from './session.ts';

/**
 * A session on a server that goes on when this command ends: a schedule on any other would never fire.
 * Throws SERVER_UNAVAILABLE when there is none.
 */
export async function lastingSession(context: CommandContext): Promise<Session> {
  const session = await joinSession(context);
  if (session) return session;
  throw fail('SERVER_UNAVAILABLE', {
    received: 'no Temporal server that stays up',
    expected: 'one that runs the schedules when this command has ended',
    next: 'keep `dativo dev` running in this folder in another terminal, or set TEMPORAL_ADDRESS',
  });
}
