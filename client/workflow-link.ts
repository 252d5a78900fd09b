import type { AcquiredServer } from '../worker/dev-server/dev-server.ts';

/** Link to a run in Temporal's UI; undefined where the UI is not known. */
export function workflowLink(
  server: Pick<AcquiredServer, 'uiUrl' | 'namespace'>,
  workflowId: string,
  runId: string,
): string | undefined {
  if (!server.uiUrl) return undefined;
  const parts = [server.namespace, workflowId, runId].map(encodeURIComponent);
  return `${server.uiUrl}/namespaces/${parts[0]}/workflows/${parts[1]}/${parts[2]}`;
}
