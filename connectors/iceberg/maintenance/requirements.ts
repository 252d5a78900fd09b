import type { DativoError } from '../../../contracts/errors.ts';
import { fail } from '../../../contracts/errors.ts';
import type { TableVersion } from '../metadata.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { tableLabel } from './maintained-table.ts';

/**
 * Fails with MAINTENANCE_REFUSED for a table whose files may belong to others too, so that nobody can tell from the
 * table alone that nothing refers to one.
 */
export function requireDeletable(table: MaintainedTable, version: TableVersion): TableVersion {
  if (table.catalog.sharesFiles === true) {
    throw refused(
      table,
      'in a catalog whose other references may need its files',
      'a catalog in which the table alone says what it needs',
      "use the catalog's own clean-up of files",
    );
  }
  if (version.metadata.properties['gc.enabled']?.toLowerCase() === 'false') {
    throw refused(
      table,
      'with gc.enabled=false, because its files may be used by other tables',
      'a table whose files are its own',
      'leave it, or set that property to true once no other table uses the files',
    );
  }
  if (version.location === '') {
    throw refused(
      table,
      'in a catalog that does not say which its metadata file is',
      'a catalog that names it',
      "use the catalog's own clean-up of files",
    );
  }
  return version;
}

/** A step that cannot be done to this table; `received` goes on after its name. */
export function refused(
  table: Pick<MaintainedTable, 'name'>,
  received: string,
  expected: string,
  next: string,
): DativoError {
  return fail('MAINTENANCE_REFUSED', { received: `table ${tableLabel(table)} ${received}`, expected, next });
}
