import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Ends a run with one plain line, `tests: 12 passed, 0 failed`, for programs that read the output. What fails outside
 * of a test (a file that does not load, an unhandled error) counts as a failure. In CI a skipped test fails the run:
 * there, a missing server is a fault of the machine and no reason to prove less.
 */
export default class PlainSummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = countTests(modules, unhandledErrors.length);
    if (process.env['CI'] && counts.skipped > 0) process.exitCode = 1;
    process.stdout.write(`${summaryLine(counts)}\n`);
  }
}

function countTests(modules: readonly TestModule[], unhandledErrors: number): TestCounts {
  const counts = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    const before = counts.failed;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      counts[state === 'pending' ? 'failed' : state]++;
    }
    if (module.state() === 'failed' && counts.failed === before) counts.failed++;
  }
  return counts;
}

/** The line is one that continuous integration reads: nothing but a word with a colon may stand before the figures. */
export function summaryLine({ passed, failed, skipped }: TestCounts): string {
  const figures = `tests: ${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${figures}, ${skipped} skipped` : figures;
}
