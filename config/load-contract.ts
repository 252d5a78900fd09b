import { resolve } from 'node:path';
import type { ErrorParts } from '../contracts/errors.ts';
import type { OdcsContract } from '../contracts/odcs.ts';
import { odcsSchema } from '../contracts/odcs.ts';
import type { StreamSchema } from '../contracts/schema.ts';
import type { ContractSubject } from './contract-schema.ts';
import { contractSchema } from './contract-schema.ts';
import { describeIssue } from './describe-issue.ts';
import type { KeyPath } from './json-tree.ts';
import type { Problem } from './problem.ts';
import { problem, sortProblems } from './problem.ts';
import type { FileCodes } from './yaml-file.ts';
import { readYamlFile } from './yaml-file.ts';

/** A contract file that is valid ODCS. */
export interface Contract {
  readonly file: string;
  readonly document: OdcsContract;
  /** The columns of one object, or what keeps the contract from giving them (CONTRACT_INVALID, with positions). */
  describe(subject: ContractSubject): { readonly schema?: StreamSchema; readonly problems: readonly Problem[] };
  /** Rules of the contract that this version keeps but does not check, each at its place. */
  readonly notices: readonly Problem[];
}

const CODES: FileCodes = {
  unreadable: 'CONTRACT_UNREADABLE',
  syntax: 'CONTRACT_UNREADABLE',
  invalid: 'CONTRACT_INVALID',
};

/**
 * Reads a contract file (ODCS v3.0.x, YAML or JSON). Reports every problem at once with codes CONTRACT_UNREADABLE and
 * CONTRACT_INVALID; never throws for a file that is wrong. `file` is used in messages as it is given.
 */
export async function loadContract(
  file: string,
): Promise<{ readonly contract?: Contract; readonly problems: readonly Problem[] }> {
  const { yaml, problems } = await readYamlFile(file, resolve(file), 'contract', CODES);
  if (!yaml) return { problems };
  const at = (path: KeyPath, parts: ErrorParts) => {
    const { received, expected, next } = parts;
    return problem(file, yaml.keyPosition(path), CODES.invalid, { received, expected, next });
  };
  const parsed = odcsSchema.safeParse(yaml.tree);
  if (!parsed.success) {
    const context = { schema: odcsSchema, tree: yaml.tree, subject: 'the contract', referencesAt: () => [] };
    const findings = parsed.error.issues.flatMap((issue) => describeIssue(issue, context));
    const placed = findings.map((finding) => {
      const { received, expected, next } = finding;
      const position = finding.at === 'key' ? yaml.keyPosition(finding.path) : yaml.valuePosition(finding.path);
      return problem(file, position, CODES.invalid, { received, expected, next });
    });
    return { problems: sortProblems([...problems, ...placed]) };
  }
  const contract: Contract = {
    file,
    document: parsed.data,
    describe(subject) {
      const { value, findings } = contractSchema(parsed.data, subject);
      const found = findings.map((finding) => at(finding.path, finding));
      return value === undefined ? { problems: found } : { schema: value, problems: found };
    },
    notices: sortProblems(
      uncheckedRules(parsed.data).map(({ path, what }) =>
        problem(file, yaml.keyPosition(path), 'NOT_AVAILABLE_YET', {
          received: `the contract's ${what}, which is kept but not checked yet`,
          expected: 'columns, types, required and primaryKey, which are checked',
          next: 'nothing needs to change',
        }),
      ),
    ),
  };
  return problems.length > 0 ? { problems } : { contract, problems };
}

function uncheckedRules(document: OdcsContract): { path: KeyPath; what: string }[] {
  return (document.schema ?? []).flatMap((element, index) => {
    const path: KeyPath = ['schema', index];
    const ofElement = element.quality?.length ? [{ path: [...path, 'quality'], what: 'quality section' }] : [];
    const ofColumns = (element.properties ?? []).flatMap((property, column) => {
      const at: KeyPath = [...path, 'properties', column];
      const rules = property.quality?.length ? [{ path: [...at, 'quality'], what: 'quality section' }] : [];
      return property.unique === true ? [...rules, { path: [...at, 'unique'], what: 'unique key' }] : rules;
    });
    return [...ofElement, ...ofColumns];
  });
}
