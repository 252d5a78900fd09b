import type { CatalogSpec } from '../../../contracts/job-catalog.ts';

/** How servers of the Iceberg REST protocol differ. */
export interface RestKind {
  /** Scope that a token is asked for, unless the job names one. */
  readonly scope: string;
  /** What the server can do, where its configuration does not list it. */
  readonly endpoints: readonly string[];
  /** Whether a reference (branch or tag) is a part of the address. */
  readonly hasReferences: boolean;
  /**
   * Whether a commit can demand that the table has no snapshot yet. Where it cannot, two that believe so would both be
   * taken, and the first one's rows lost; so a table is given an empty snapshot when it is created.
   */
  readonly seesNoSnapshot: boolean;
  /** An unknown warehouse is answered with this status and type of error, beside 404. */
  readonly unknownWarehouse?: { readonly status: number; readonly type: string };
}

export const ENDPOINTS = {
  transaction: 'POST /v1/{prefix}/transactions/commit',
  view: 'GET /v1/{prefix}/namespaces/{namespace}/views/{view}',
} as const;

const REST: RestKind = { scope: 'catalog', endpoints: [], hasReferences: false, seesNoSnapshot: true };

const KINDS: Partial<Record<CatalogSpec['type'], RestKind>> = {
  nessie: {
    ...REST,
    endpoints: Object.values(ENDPOINTS),
    hasReferences: true,
    seesNoSnapshot: false,
    unknownWarehouse: { status: 500, type: 'IllegalStateException' },
  },
  polaris: { ...REST, scope: 'PRINCIPAL_ROLE:ALL' },
  lakekeeper: { ...REST, scope: 'lakekeeper' },
};

export function kindOf(type: CatalogSpec['type']): RestKind {
  return KINDS[type] ?? REST;
}
