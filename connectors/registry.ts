import { fail } from '../contracts/errors.ts';
import type { Source } from './connector.ts';
import { CsvSource } from './csv/source.ts';
import { MySqlSource } from './mysql/source.ts';
import { PostgresSource } from './postgres/source.ts';
import type { SourceSettings } from './source-settings.ts';

/** Every connector that can be read, by the name that a job gives to `source_connector`. */
export const SOURCES: Readonly<Record<string, (settings: SourceSettings) => Source>> = {
  csv: (settings) => new CsvSource(settings),
  mysql: (settings) => new MySqlSource(settings),
  postgres: (settings) => new PostgresSource(settings),
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
