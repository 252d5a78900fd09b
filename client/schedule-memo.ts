import { z } from 'zod';

/** What makes a schedule one of ours, and of a project. It stays as long as the schedule. */
const ownerMemo = z.object({
  dativo: z.object({
    project: z.string(),
    tenant: z.string(),
    asset: z.string(),
    kind: z.enum(['run', 'maintenance']).default('run'),
  }),
});

/** Kept with each run that a schedule starts, and replaced with its job: what it was applied as. */
const runMemo = z.object({
  dativo: z.object({
    project: z.string(),
    file: z.string(),
    digest: z.string(),
    fields: z.record(z.string(), z.string()),
  }),
});

export type Owner = z.output<typeof ownerMemo>['dativo'];
export type RunMemo = z.output<typeof runMemo>['dativo'];

/** Undefined for a schedule that Dativo did not make. */
export function readOwner(memo: unknown): Owner | undefined {
  return ownerMemo.safeParse(memo).data?.dativo;
}

export function readRunMemo(memo: unknown): RunMemo | undefined {
  return runMemo.safeParse(memo).data?.dativo;
}
