import type { DativoError, ErrorParts } from '../../contracts/errors.ts';
import { fail } from '../../contracts/errors.ts';
import type { Transformation } from '../../contracts/job-transformations.ts';
import type { Column } from '../../contracts/schema.ts';
import type { RowGate } from './gate.ts';
import type { Pipeline } from './pipeline.ts';

/** What one step does, once it is known to fit the columns before it. */
export interface CompiledStep {
  readonly columns: readonly Column[];
  /** For each column that the step wrote or renamed: the columns before it that it reads. */
  readonly changes: ReadonlyMap<string, readonly string[]>;
  /** For a filter: the columns that decide. */
  readonly filterInputs?: readonly string[];
  readonly hasWindow: boolean;
  apply(pipeline: Pipeline, gate: RowGate): void;
}

/** A step that does not fit, said with its name in front. */
export function invalidStep(step: Transformation, parts: ErrorParts): DativoError {
  return fail('TRANSFORMATION_INVALID', {
    ...parts,
    received: `transformation "${step.name}" (${step.type}): ${parts.received}`,
  });
}
