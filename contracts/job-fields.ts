import { z } from 'zod';
import { parseColumnType, TYPE_NAME_EXAMPLES } from './column-type-names.ts';
import { NAME_PATTERN, QUARANTINE_SUFFIX } from './ids.ts';

/**
 * Field kinds that several sections of a job file share. The error text of a check is what is expected, as a clause:
 * the loader puts the position, the value received and the nearest known name around it.
 */

/** A text that says something. */
export function filledText(): z.ZodString {
  return z.string().min(1, { error: 'a text that is not empty' });
}

/** Letters, digits, `_` and `-`: safe in a path, a table name and a workflow id. */
export function plainName(): z.ZodString {
  return z.string().regex(NAME_PATTERN, {
    error: 'a name of letters, digits, "_" and "-" that starts with a letter or digit, at most 128 characters',
  });
}

/** The name of a table: a plain name that no quarantine table has. */
export function tableName(): z.ZodString {
  return plainName().refine((name) => !name.endsWith(QUARANTINE_SUFFIX), {
    error: `a name that does not end in "${QUARANTINE_SUFFIX}", which is kept for rows in quarantine`,
  });
}

/** A path on this machine or a URL. `~` is a shell's word that no file system knows. */
export function location(): z.ZodString {
  return filledText().refine((path) => path !== '~' && !path.startsWith('~/'), {
    error: 'a path without "~" (write ${HOME} instead)',
  });
}

/** The name of an object: that of a table, behind the name of its schema and a dot where it needs one. */
export function objectName(): z.ZodString {
  return z
    .string()
    .regex(/^(?:[A-Za-z_][A-Za-z0-9_$-]{0,127}\.)?[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/, {
      error: 'a name of letters, digits, "_" and "-", which may stand behind a schema and a dot',
    })
    .refine((name) => !name.endsWith(QUARANTINE_SUFFIX), {
      error: `a name that does not end in "${QUARANTINE_SUFFIX}", which is kept for rows in quarantine`,
    });
}

/** The name of a column, as the source or the step before spells it. */
export function columnName(): z.ZodString {
  return z.string().min(1, { error: 'the name of a column' });
}

export function columnNames(): z.ZodArray<z.ZodString> {
  return z.array(columnName()).min(1, { error: 'a list with at least one column' });
}

/** The name of a column type, parsed into the type. */
export function columnTypeName() {
  return z.string().transform((text, context) => {
    const type = parseColumnType(text);
    if (type !== undefined) return type;
    context.addIssue({ code: 'custom', message: TYPE_NAME_EXAMPLES });
    return z.NEVER;
  });
}

export function wholeNumber(minimum: number, maximum: number) {
  const error = `a whole number from ${minimum} to ${maximum}`;
  return z.number({ error }).int({ error }).min(minimum, { error }).max(maximum, { error });
}

export function atLeast(minimum: number) {
  const error = `a number of at least ${minimum}`;
  return z.number({ error }).min(minimum, { error });
}
