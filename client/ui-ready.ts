import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 50;
/** The UI dials the server again after a second where it was there first. */
const WITHIN_MS = 30_000;

/**
 * True once the pages of the dev server's UI can ask the server for runs: it answers a second after the server itself
 * where it looked for it too early. False when it does not come in half a minute.
 */
export async function uiReady(uiUrl: string): Promise<boolean> {
  const deadline = Date.now() + WITHIN_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`${uiUrl}/api/v1/namespaces/default`, { signal: AbortSignal.timeout(WITHIN_MS) }).catch(
      () => undefined,
    );
    await answer?.arrayBuffer();
    if (answer?.ok === true) return true;
    await sleep(LOOK_EVERY_MS);
  }
  return false;
}
