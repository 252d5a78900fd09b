import { z } from 'zod';
import { jobSchema } from '../contracts/job.ts';
import type { JsonObject } from './json-tree.ts';
import { isObject } from './json-tree.ts';

/** Where the JSON Schema lies in the package, relative to its root. */
export const JOB_SCHEMA_FILE = 'schemas/job.schema.json';

/** A value that holds a variable fits everywhere: what it stands for is checked when the job is validated. */
const TEMPLATE = { type: 'string', pattern: '\\$\\{' };

/** What about a text the words of an editor cannot check while the text holds a variable. */
const TEXT_LIMITS = ['enum', 'const', 'pattern', 'maxLength'];

/**
 * The JSON Schema (draft 2020-12) of a job file as the user writes it, for editors: `dativo schema` prints it, and
 * job files point at it with `# yaml-language-server: $schema=…`.
 */
export function jobJsonSchema(): JsonObject {
  const generated: unknown = z.toJSONSchema(jobSchema, { io: 'input', unrepresentable: 'throw' });
  const schema = z.record(z.string(), z.json()).parse(generated);
  const { $schema, ...rest } = schema;
  return { ...($schema === undefined ? {} : { $schema }), title: 'Dativo job', ...allowTemplates(rest) };
}

function allowTemplates(schema: JsonObject): JsonObject {
  const nested: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) nested[key] = rewrite(key, value);
  // zod spells out the range of JavaScript's integers and the empty section that stands for all defaults.
  if (nested['maximum'] === Number.MAX_SAFE_INTEGER) delete nested['maximum'];
  if (nested['minimum'] === Number.MIN_SAFE_INTEGER) delete nested['minimum'];
  if (isObject(nested['default']) || Array.isArray(nested['default'])) delete nested['default'];
  const { description, default: preset, ...constraints } = nested;
  const annotations: JsonObject = {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
  };
  return takesVariable(nested) ? { ...annotations, anyOf: [constraints, TEMPLATE] } : nested;
}

function rewrite(key: string, value: JsonObject[string]): JsonObject[string] {
  if (key === 'properties' && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, rewrite('', child)]));
  }
  if (key === 'oneOf' || key === 'anyOf') return Array.isArray(value) ? value.map((item) => rewrite('', item)) : value;
  const isSchema = ['', 'items', 'additionalProperties'].includes(key) && isObject(value);
  return isSchema ? allowTemplates(value) : value;
}

/** A discriminator is left alone: editors choose the branch by it. */
function takesVariable(schema: JsonObject): boolean {
  const type = schema['type'];
  if (type === 'number' || type === 'integer' || type === 'boolean') return true;
  return type === 'string' && !('const' in schema) && TEXT_LIMITS.some((limit) => limit in schema);
}
