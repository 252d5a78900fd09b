import { z } from 'zod';
import type { PartitionField } from './partition-by.ts';
import { parsePartitionField, repeatedField } from './partition-by.ts';
import type { SortField } from './sort-by.ts';
import { parseSortField, SORT_FIELD_EXPECTED } from './sort-by.ts';

/** `partition_by`: a list of texts, parsed into fields. */
export function partitionFields() {
  return z.array(z.string()).transform((texts, context): PartitionField[] => {
    const written = joined(texts);
    const fields = written.flatMap(({ text, index }) => {
      const field = parsePartitionField(text);
      if ('column' in field) return [{ ...field, index }];
      const params = { allowed: [...field.allowed] };
      context.addIssue({ code: 'custom', path: [index], message: field.expected, params });
      return [];
    });
    const repeated = repeatedField(fields);
    const index = repeated === undefined ? undefined : fields[repeated.index]?.index;
    if (repeated !== undefined && index !== undefined) {
      const message = `each column to be divided once, not ${repeated.reason}`;
      context.addIssue({ code: 'custom', path: [index], message });
    }
    return fields.map(({ transform, column }) => ({ transform, column }));
  });
}

/** `sort_by`: a list of texts, parsed into fields. */
export function sortFields() {
  return z.array(z.string()).transform((texts, context): SortField[] => {
    const fields: SortField[] = [];
    for (const [index, text] of texts.entries()) {
      const field = parseSortField(text);
      const isRepeated = fields.some(({ column }) => column === field?.column);
      if (field !== undefined && !isRepeated) fields.push(field);
      else
        context.addIssue({
          code: 'custom',
          path: [index],
          message: isRepeated ? 'each column once' : SORT_FIELD_EXPECTED,
        });
    }
    return fields;
  });
}

/** In a list in brackets YAML takes `bucket(16, id)` for two texts; no column's name begins or ends so. */
function joined(texts: readonly string[]): { text: string; index: number }[] {
  const whole: { text: string; index: number }[] = [];
  for (const [index, text] of texts.entries()) {
    const before = whole.at(-1);
    const isOpen = before !== undefined && /^\w+\([^()"`]*$/.test(before.text.trim());
    if (isOpen && /^[^(]*\)$/.test(text.trim())) before.text = `${before.text}, ${text}`;
    else whole.push({ text, index });
  }
  return whole;
}
