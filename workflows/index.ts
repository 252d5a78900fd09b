export { backfill } from './backfill.ts';
export { ingest } from './ingest.ts';
export { ingestObject } from './ingest-object.ts';
export { maintain } from './maintain.ts';
export { scheduledIngest } from './scheduled-ingest.ts';
export { scheduledMaintenance } from './scheduled-maintenance.ts';
