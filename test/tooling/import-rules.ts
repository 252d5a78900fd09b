/**
 * Who may import whom, as data. `biome.json` enforces it on every file; `import-rules.test.ts` plants each import below
 * in turn and holds the linter to this table.
 */
export type Allowed =
  /** In any form. */
  | 'yes'
  /** `import type`, which leaves nothing behind in the running program. */
  | 'types'
  /** `import type`, and `await import()` where a command needs it. */
  | 'on demand'
  | 'no';

/** Folders of the product, in the order of their dependencies. */
export const PRODUCT_FOLDERS = [
  'contracts',
  'config',
  'connectors',
  'activities',
  'workflows',
  'client',
  'worker',
] as const;
export type ProductFolder = (typeof PRODUCT_FOLDERS)[number];

/** Folders that nothing in the product may import. They may import anything. */
export const OUTER_FOLDERS = ['bench', 'bin', 'examples', 'test'] as const;

/** What each folder may import beside itself; what is not named is forbidden. */
export const MAY_IMPORT: Readonly<Record<ProductFolder, Partial<Record<ProductFolder, Allowed>>>> = {
  contracts: {},
  config: { contracts: 'yes' },
  connectors: { contracts: 'yes' },
  activities: { contracts: 'yes', config: 'yes', connectors: 'yes' },
  workflows: { contracts: 'yes', activities: 'types' },
  client: { contracts: 'yes', config: 'yes', workflows: 'types', worker: 'on demand' },
  worker: { contracts: 'yes', config: 'yes', connectors: 'yes', activities: 'yes', workflows: 'yes', client: 'yes' },
};

/** What each folder may import from outside; `node` stands for everything that Node brings along. */
export const MAY_USE: Readonly<Record<ProductFolder, readonly string[]>> = {
  contracts: ['zod'],
  config: ['node', 'yaml', 'zod'],
  connectors: [
    '@aws-sdk/client-s3',
    '@aws-sdk/client-secrets-manager',
    '@aws-sdk/lib-storage',
    '@duckdb/node-api',
    'avsc',
    'mysql2',
    'node',
    'pg',
    'zod',
  ],
  activities: ['@duckdb/node-api', '@temporalio/activity', '@temporalio/common', 'node', 'zod'],
  workflows: ['@temporalio/common', '@temporalio/workflow'],
  client: ['@temporalio/client', '@temporalio/common', '@temporalio/envconfig', 'commander', 'node', 'yaml', 'zod'],
  worker: [
    '@duckdb/node-api',
    '@temporalio/activity',
    '@temporalio/client',
    '@temporalio/common',
    '@temporalio/envconfig',
    '@temporalio/testing',
    '@temporalio/worker',
    '@temporalio/workflow',
    'node',
    'zod',
  ],
};
