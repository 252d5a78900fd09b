/** Something in a source that a job could bring in. Plain JSON. */
export interface DiscoveredObject {
  /** As `source.objects` names it; of one whose name a job cannot take, as the source has it. */
  readonly name: string;
  /** In the words of the source: `table`, `view`. */
  readonly kind: string;
  /** As the source estimates them; left out where it does not. */
  readonly rows?: number;
  readonly bytes?: number;
  readonly primaryKey: readonly string[];
  readonly columns: readonly DiscoveredColumn[];
  /** Why it cannot be brought in as it is; left out where it can. */
  readonly hindrance?: string;
}

export interface DiscoveredColumn {
  readonly name: string;
  /** In the words of the source: `character varying(20)`. */
  readonly sourceType: string;
  /** In those of the lake. */
  readonly type: string;
}
