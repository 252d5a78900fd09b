import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { fail } from '../../contracts/errors.ts';
import { toApplicationFailure } from '../../worker/error-interceptor.ts';
import { ROW_MARKER } from '../support/marker.ts';

describe('an error that leaves an activity', () => {
  test('keeps the code and the sentence of an error of our own', () => {
    const error = fail('SOURCE_NOT_FOUND', {
      received: 'no file at a.csv',
      expected: 'a file',
      next: 'check the path',
    });
    const failure = toApplicationFailure('planObject', error);
    expect([failure.type, failure.nonRetryable, failure.details]).toEqual([
      'ConfigError',
      true,
      [{ code: 'SOURCE_NOT_FOUND', message: 'no file at a.csv; expected a file; check the path.' }],
    ]);
  });

  test('is retried when it is likely to pass', () => {
    const error = fail('CATALOG_BUSY', { received: 'a lock', expected: 'none', next: 'wait' });
    expect(toApplicationFailure('commitObject', error).nonRetryable).toBe(false);
  });

  test('carries nothing of the text of a foreign error, in no field', () => {
    const foreign = new TypeError(`could not convert '${ROW_MARKER}'\n    at row ${ROW_MARKER}`);
    const failure = toApplicationFailure('extractChunk', foreign);
    expect(failure.message).toContain('TypeError in extractChunk');
    expect(failure.stack).toContain('error-interceptor.test.ts');
    const everything = JSON.stringify([
      failure,
      failure.message,
      failure.stack,
      failure.details,
      String(failure.cause),
    ]);
    expect(everything).not.toContain(ROW_MARKER);
  });

  test('passes when it is Temporal’s own', () => {
    const failure = ApplicationFailure.nonRetryable('as it is');
    expect(toApplicationFailure('planObject', failure)).toBe(failure);
  });
});
