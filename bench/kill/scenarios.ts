import type { FaultPoint } from '../../activities/dependencies.ts';

/** Where a worker is killed, and what the run is about when it is. */
export interface Scenario {
  readonly name: string;
  readonly point: FaultPoint | 'none';
  /** `commit`: the run succeeds. `refuse`: it has more bad rows than it may, and must leave nothing. */
  readonly outcome: 'commit' | 'refuse';
  /** What happens beside the kill. */
  readonly disturbance?: 'server-killed' | 'started-twice';
}

/** Every activity: before, in the middle, after its effect and before its completion is reported. */
const COMMITTING: readonly FaultPoint[] = [
  'plan:before',
  'plan:before-write',
  'plan:after-write',
  'extract:before-read',
  'extract:reading',
  'extract:after-data-files',
  'extract:after-quarantine-files',
  'extract:after-description',
  'evaluate:before',
  'commit:before',
  'commit:manifests-written',
  'commit:metadata-written',
  'commit:catalog-moving',
  'commit:after-catalog',
  'commit:done',
  'commit:after-sweep',
  'publish:before',
  'publish:after-record',
  'publish:after-clean-up',
];
const REFUSING: readonly FaultPoint[] = ['discard:before', 'discard:after'];

export const SCENARIOS: readonly Scenario[] = [
  ...COMMITTING.map((point): Scenario => ({ name: point, point, outcome: 'commit' })),
  ...REFUSING.map((point): Scenario => ({ name: point, point, outcome: 'refuse' })),
  { name: "Temporal's server killed", point: 'none', outcome: 'commit', disturbance: 'server-killed' },
  { name: 'the same job started twice', point: 'none', outcome: 'commit', disturbance: 'started-twice' },
];
