import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Files of this ending look back on what all the others left behind, so they run last. */
const LOOKS_BACK = '.last.server.test.ts';

export class LastWordsSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLast = (file: TestSpecification) => file.moduleId.endsWith(LOOKS_BACK);
    return [...sorted.filter((file) => !isLast(file)), ...sorted.filter(isLast)];
  }
}
