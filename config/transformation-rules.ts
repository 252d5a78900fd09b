import type { Transformation } from '../contracts/job-transformations.ts';
import type { JsonObject, KeyPath } from './json-tree.ts';
import type { RuleFinding } from './rule-finding.ts';
import { quoteWritten } from './rule-finding.ts';

/**
 * What transformations need whatever the columns are; that they fit the columns is checked when the source is known.
 * Steps need different names because rows left out are counted by the name of the step. Messages quote `written`,
 * the job without the values of its variables.
 */
export function transformationRules(steps: readonly Transformation[], written: JsonObject): RuleFinding[] {
  return steps.flatMap((step, index) => {
    const path: KeyPath = ['transformations', index];
    const findings = stepRules(step, path, written);
    const first = steps.findIndex((other) => other.name === step.name);
    if (first === index) return findings;
    const received = `the transformations ${first + 1} and ${index + 1} have one name`;
    return [invalid([...path, 'name'], received, 'a name of its own for each step', 'rename one of them'), ...findings];
  });
}

function stepRules(step: Transformation, path: KeyPath, written: JsonObject): RuleFinding[] {
  const columns: KeyPath = [...path, 'columns'];
  const place = `transformation ${Number(path[1]) + 1} (${step.type})`;
  switch (step.type) {
    case 'select':
    case 'drop':
    case 'hash':
    case 'mask':
      return repeated(step.columns).map((index) => {
        const received = `${place} names the column ${quoteWritten(written, [...columns, index])} twice`;
        return invalid([...columns, index], received, 'each column once', 'remove one of the two');
      });
    case 'rename': {
      const names = Object.entries(step.columns);
      const clashes = repeated(names.map(([, to]) => to)).map((index) => {
        const key = names[index]?.[0] ?? '';
        const received = `${place} gives two columns the name ${quoteWritten(written, [...columns, key])}`;
        return invalid([...columns, key], received, 'a name of its own for each column', 'change one of them');
      });
      return [...emptyMap(place, names.length, columns, 'old name: new name'), ...clashes];
    }
    case 'cast':
      return emptyMap(place, Object.keys(step.columns).length, columns, 'column: type');
    case 'sql':
    case 'filter':
      return [];
  }
}

function emptyMap(place: string, size: number, path: KeyPath, entry: string): RuleFinding[] {
  return size > 0
    ? []
    : [invalid(path, `${place} names no columns`, `at least one "${entry}"`, 'add one or remove the step')];
}

/** Places of the names that stand further ahead already. */
function repeated(names: readonly string[]): number[] {
  return names.flatMap((name, index) => (names.indexOf(name) === index ? [] : [index]));
}

function invalid(path: KeyPath, received: string, expected: string, next: string): RuleFinding {
  return { path, at: 'key', code: 'TRANSFORMATION_INVALID', received, expected, next };
}
