import type { ErrorCode } from '../contracts/errors.ts';
import { ERROR_CATALOGUE } from '../contracts/errors.ts';
import { SOURCE_CONNECTORS } from '../contracts/job-connectors.ts';
import { ERROR_GUIDE } from './error-guide.ts';
import { jobJsonSchema } from './json-schema.ts';
import type { JsonObject, JsonTree } from './json-tree.ts';
import { canonicalJson, isObject } from './json-tree.ts';

const GENERATED = '<!-- Generated from the schemas by `node config/write-reference.ts`. Do not edit. -->';

/** The reference page of job files: one table for each section, from the descriptions of the schema. */
export function configReference(): string {
  const lines = [
    GENERATED,
    '',
    '# Job files',
    '',
    'A job is one YAML file. Every key that is not marked as required has a default that works. In any text,',
    '`${NAME}` stands for a variable of the environment, `${NAME:-default}` for one that may be unset or empty and',
    '`${file:path}` for the content of a file; `$${` stands for `${`. They are resolved where the value is used, and',
    'nowhere else. Relative paths start at the folder of the job file. Parts that a version does not run yet are',
    'refused by `dativo validate` with the code `NOT_AVAILABLE_YET`, never ignored.',
    '',
  ];
  addSection(lines, 'The job', '', jobJsonSchema(), new Map());
  lines.push('## Values of `source_connector`', '', '| value | reads | available |', '|---|---|---|');
  for (const [name, { title, available }] of Object.entries(SOURCE_CONNECTORS)) {
    lines.push(`| \`${name}\` | ${title} | ${available ? 'yes' : 'not yet'} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** The error table: every code, its kind, what it means and what to do about it. */
export function errorReference(): string {
  const lines = [
    GENERATED.replace('the schemas', 'the error catalogue'),
    '',
    '# Errors',
    '',
    'Every failure has one of these codes. Its message says what was received, what was expected and what to do next,',
    'and ends with the code. With `--json` it is printed as `{"error": {"code", "kind", "message", …}}`; the problems of',
    'job files and the failures of runs carry their code too.',
    '',
    'Kinds: `config` and `data` ask for a correction, `transient` and `rate_limit` are retried by Dativo, `permanent`',
    'is not, and `bug` is a fault of Dativo. A retry is shown with its reason and time, by `dativo run` and in Temporal.',
    '',
    '| code | kind | meaning | what to do |',
    '|---|---|---|---|',
    ...(Object.keys(ERROR_CATALOGUE) as ErrorCode[]).map((code) => {
      const { kind, meaning } = ERROR_CATALOGUE[code];
      return `| \`${code}\` | ${kind} | ${cell(meaning)} | ${cell(ERROR_GUIDE[code])} |`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

/** Writes the table of one mapping, and then the sections of the mappings inside it. Equal ones are written once. */
function addSection(
  lines: string[],
  title: string,
  path: string,
  schema: JsonObject,
  written: Map<string, string>,
): void {
  const { description, ...content } = schema;
  const twin = written.get(canonicalJson(content));
  written.set(canonicalJson(content), twin ?? title);
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  lines.push(`## ${title}`, '');
  if (path !== '' && typeof description === 'string') lines.push(description, '');
  if (twin !== undefined) {
    lines.push(`The same keys as ${twin}.`, '');
    return;
  }
  lines.push('| key | type | default | meaning |', '|---|---|---|---|');
  const nested: [title: string, path: string, schema: JsonObject][] = [];
  for (const [key, child] of Object.entries(properties)) {
    if (!isObject(child)) continue;
    const preset = child['default'] === undefined ? '' : `\`${JSON.stringify(child['default'])}\``;
    const meaning = typeof child['description'] === 'string' ? child['description'] : '';
    lines.push(
      `| \`${key}\` | ${cell(typeOf(child))} | ${required.includes(key) && preset === '' ? 'required' : preset} | ${cell(meaning)} |`,
    );
    for (const [suffix, object] of objectsIn(child)) {
      const place = `${path}${key}${suffix}`;
      nested.push([`\`${place}\``, `${place}.`, object]);
    }
  }
  lines.push('');
  for (const [nestedTitle, nestedPath, object] of nested) addSection(lines, nestedTitle, nestedPath, object, written);
}

/** The mappings with keys of their own inside a schema, each with what its path ends in. */
function objectsIn(schema: JsonObject, suffix = ''): [suffix: string, object: JsonObject][] {
  if (isObject(schema['properties'])) return [[suffix + discriminatorOf(schema), schema]];
  if (isObject(schema['items'])) return objectsIn(schema['items'], `${suffix}[]`);
  return branches(schema).flatMap((branch) => objectsIn(branch, suffix));
}

function discriminatorOf(schema: JsonObject): string {
  const type = isObject(schema['properties']) ? schema['properties']['type'] : undefined;
  return isObject(type) && typeof type['const'] === 'string' ? ` (type: ${type['const']})` : '';
}

function branches(schema: JsonObject): JsonObject[] {
  return [schema['anyOf'], schema['oneOf']].flatMap((list) => (Array.isArray(list) ? list.filter(isObject) : []));
}

function typeOf(schema: JsonObject): string {
  const inner = branches(schema).filter((branch) => branch['pattern'] !== '\\$\\{');
  if (inner.length > 0) return [...new Set(inner.map(typeOf))].join(' or ');
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => `\`${String(value)}\``).join(', ');
  if (schema['const'] !== undefined) return `\`${String(schema['const'])}\``;
  if (schema['type'] === 'array') return isObject(schema['items']) ? `list of ${typeOf(schema['items'])}` : 'list';
  const types = [schema['type']].flat().filter((type) => typeof type === 'string');
  return types.map((type) => TYPE_WORDS[type]?.(schema) ?? type).join(' or ');
}

const TYPE_WORDS: Readonly<Record<string, (schema: JsonObject) => string>> = {
  string: () => 'text',
  boolean: () => '`true` or `false`',
  integer: (schema) => `whole number${range(schema['minimum'], schema['maximum'])}`,
  number: (schema) => `number${range(schema['minimum'], schema['maximum'])}`,
  object: () => 'mapping',
};

function range(minimum: JsonTree | undefined, maximum: JsonTree | undefined): string {
  if (minimum === undefined) return '';
  return maximum === undefined ? `, at least ${String(minimum)}` : `, ${String(minimum)} to ${String(maximum)}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
