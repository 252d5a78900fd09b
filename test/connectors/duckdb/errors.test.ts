import { describe, expect, it } from 'vitest';
import { translateDuckDbError } from '../../../connectors/duckdb/errors.ts';
import { DativoError } from '../../../contracts/errors.ts';
import { openSession } from '../../support/duckdb.ts';

async function codeOf(sql: string): Promise<DativoError> {
  await using session = await openSession();
  try {
    await session.rows(sql);
  } catch (error) {
    if (error instanceof DativoError) return error;
    throw error;
  }
  throw new Error('the query was expected to fail');
}

describe("DuckDB's errors", () => {
  it('keep the class of an unknown error and not a word of its text', async () => {
    const error = await codeOf(`SELECT 'marker-value'::INTEGER`);
    expect(error.code).toBe('UNEXPECTED');
    expect(error.message).toContain('Conversion Error');
    expect(error.message).not.toContain('marker');
  });

  it('name an unknown column and the columns that there are', async () => {
    const error = await codeOf('SELECT amont FROM (SELECT 1 AS amount, 2 AS other)');
    expect(error.code).toBe('QUERY_INVALID');
    expect(error.message).toContain('"amont"');
    expect(error.message).toContain('"amount"');
  });

  it('name an unknown function', async () => {
    const error = await codeOf('SELECT no_such_function(1)');
    expect(error).toMatchObject({ code: 'QUERY_INVALID' });
    expect(error.message).toContain('no_such_function');
  });

  it('do not repeat a column name that could be a value', async () => {
    const error = await codeOf(`SELECT "4111-1111; drop <x>" FROM (SELECT 1 AS a)`);
    expect(error.message).not.toContain('drop');
  });

  it('tell invalid SQL without repeating it', async () => {
    const error = await codeOf(`SELECT 'marker' FRM x WHERE`);
    expect(error.code).toBe('QUERY_INVALID');
    expect(error.message).not.toContain('marker');
  });

  it('tell a file that cannot be opened', async () => {
    expect(await codeOf(`SELECT * FROM read_csv('/nonexistent/marker.csv')`)).toMatchObject({
      code: 'SOURCE_UNREADABLE',
    });
  });

  it.each([
    ['IO Error: Could not write file "x": No space left on device', 'STORAGE_FULL'],
    ['Out of Memory Error: failed to offload data block of size 256.0 KiB (1.0 MiB/1.0 MiB used).', 'STORAGE_FULL'],
    ['Out of Memory Error: could not allocate block of size 256.0 KiB', 'OUT_OF_MEMORY'],
    ['IO Error: Cannot open file "x": Permission denied', 'STORAGE_DENIED'],
    ['IO Error: Could not read from file "x": Input/output error', 'SOURCE_UNREADABLE'],
    ['Invalid Input Error: CSV Error on Line: 7 Original Line: marker', 'SOURCE_MISCOUNTED'],
    ['Invalid Input Error: whatever', 'UNEXPECTED'],
    ['no class at all', 'UNEXPECTED'],
  ])('become a code: %s', (message, code) => {
    expect(translateDuckDbError(new Error(message))).toMatchObject({ code });
  });

  it('leave an error of the catalogue as it is', () => {
    const error = new DativoError('SOURCE_EMPTY', { received: 'a', expected: 'b', next: 'c' });
    expect(translateDuckDbError(error)).toBe(error);
  });
});
