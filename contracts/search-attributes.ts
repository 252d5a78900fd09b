/**
 * What operators can search runs by in Temporal. Few, because a namespace on SQLite holds ten of the Keyword type,
 * and never personal: search attributes are not encrypted. `dativo` registers them where they are missing.
 */
export const SEARCH_ATTRIBUTES = {
  tenant: { name: 'DativoTenant', type: 'KEYWORD' },
  asset: { name: 'DativoAsset', type: 'KEYWORD' },
  connector: { name: 'DativoConnector', type: 'KEYWORD' },
  runState: { name: 'DativoRunState', type: 'KEYWORD' },
  /** Of a schedule: what it was applied as. A memo would do, but servers before 1.30 cannot change one. */
  digest: { name: 'DativoDigest', type: 'KEYWORD' },
} as const;
