import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';

/**
 * A value that no product code knows. Tests plant it in the rows they feed in, good ones and malformed ones; when the
 * suite ends, `test/no-row-leaves.last.server.test.ts` searches for it wherever a row must never be (law 3).
 */
export const ROW_MARKER = 'row-marker-4be2c7f19d';

/** Where the marker stands inside a message of any shape, as paths such as `events[3].input.payloads[0].data`. */
export function placesOfMarker(value: unknown, at = ''): string[] {
  if (typeof value === 'string') return value.includes(ROW_MARKER) ? [at] : [];
  if (value instanceof Uint8Array) return Buffer.from(value).includes(ROW_MARKER) ? [at] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => placesOfMarker(item, `${at}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...placesOfMarker(key, `${at}.${key}`),
    ...placesOfMarker(item, at === '' ? key : `${at}.${key}`),
  ]);
}

/** Searches every workflow's id, memo, search attributes and history on the server. */
export async function markersInHistories(address: string, namespace: string): Promise<string[]> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const found: string[] = [];
    for await (const execution of client.workflow.list()) {
      const { workflowId, runId } = execution;
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const places = [...placesOfMarker(execution.raw, 'execution'), ...placesOfMarker(history.events, 'events')];
      found.push(...places.map((place) => `${workflowId} ${runId}: ${place}`));
    }
    return found;
  } finally {
    await connection.close();
  }
}

/** Searches the log files of a folder: the server's, and the workers' of the suite. */
export async function markersInLogs(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.log')) continue;
    const text = await readFile(path.join(folder, name), 'utf8');
    if (text.includes(ROW_MARKER)) found.push(`log ${name}`);
  }
  return found;
}
