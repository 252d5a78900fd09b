export { ingest } from './ingest.ts';
export { ingestObject } from './ingest-object.ts';
