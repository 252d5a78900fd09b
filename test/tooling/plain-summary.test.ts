import { expect, test } from 'vitest';
import { summaryLine } from '../support/plain-summary-reporter.ts';

test('a run without skipped tests ends with passed and failed alone', () => {
  expect(summaryLine({ passed: 123, failed: 0, skipped: 0 })).toBe('tests: 123 passed, 0 failed');
});

test('a run with skipped tests says how many', () => {
  expect(summaryLine({ passed: 1, failed: 2, skipped: 3 })).toBe('tests: 1 passed, 2 failed, 3 skipped');
});
