import { fail } from '../contracts/errors.ts';
import type { Source } from './connector.ts';
import type { CsvSettings } from './csv/settings.ts';
import { CsvSource } from './csv/source.ts';

/** What any source is built from: the job's `source` with its variables resolved and its paths absolute. */
export type SourceSettings = CsvSettings;

/** Every connector that can be read, by the name that a job gives to `source_connector`. */
export const SOURCES: Readonly<Record<string, (settings: SourceSettings) => Source>> = {
  csv: (settings) => new CsvSource(settings),
};

/** The source of a job. Errors: UNKNOWN_CONNECTOR. */
export function createSource(connector: string, settings: SourceSettings): Source {
  const create = Object.hasOwn(SOURCES, connector) ? SOURCES[connector] : undefined;
  if (create !== undefined) return create(settings);
  throw fail('UNKNOWN_CONNECTOR', {
    received: `source_connector ${connector}`,
    expected: `one of ${Object.keys(SOURCES).join(', ')}`,
    next: 'correct the name',
  });
}
