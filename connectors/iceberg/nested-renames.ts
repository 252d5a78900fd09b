import type { TableMetadata } from './metadata.ts';
import type { IcebergField } from './schema.ts';

/**
 * A field inside of a struct that ever had another name, or a name that was given to another field, if there is one:
 * such fields are read by name, and this one would read wrong.
 */
export function renamedNestedField(metadata: TableMetadata): string | undefined {
  const idOfName = new Map<string, number>();
  const nameOfId = new Map<number, string>();
  for (const { id, name } of metadata.schemas.flatMap((schema) => nestedFields(schema.fields, ''))) {
    if ((idOfName.get(name) ?? id) !== id || (nameOfId.get(id) ?? name) !== name) {
      return name;
    }
    idOfName.set(name, id);
    nameOfId.set(id, name);
  }
  return undefined;
}

/** Fields below the top level, each named by the id of its column and its path in it. */
function nestedFields(fields: readonly IcebergField[], prefix: string): { id: number; name: string }[] {
  return fields.flatMap((field) => {
    const own = prefix === '' ? String(field.id) : `${prefix}.${field.name}`;
    const inner = structsIn(field.type).flatMap((nested) => nestedFields(nested.fields, `${own}${nested.path}`));
    return prefix === '' ? inner : [{ id: field.id, name: own }, ...inner];
  });
}

/** The structs that a type consists of, also inside of lists and maps. */
function structsIn(type: IcebergField['type'], path = ''): { path: string; fields: readonly IcebergField[] }[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return [{ path, fields: type.fields }];
    case 'list':
      return structsIn(type.element, `${path}.element`);
    case 'map':
      return [...structsIn(type.key, `${path}.key`), ...structsIn(type.value, `${path}.value`)];
  }
}
