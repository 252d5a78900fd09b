import type { SourceSpec } from '../contracts/job-source.ts';
import type { StreamSchema } from '../contracts/schema.ts';

/** What any source is built from: the job's `source`, with its variables resolved and its paths absolute. */
export interface SourceSettings {
  readonly source: SourceSpec;
  /** Name of the object when the job lists none. */
  readonly asset: string;
  /** The contract's columns of an object: their types go before everything that is found in the source. */
  readonly contractOf?: (object: string) => StreamSchema | undefined;
  /** `source.storage` as it is now, for keys that are refused; left out where they cannot change. */
  readonly rereadStorage?: (() => Promise<SourceSpec['storage']>) | undefined;
  /** `source.connection` as it is now, for a login that is refused; left out where it cannot change. */
  readonly rereadConnection?: (() => Promise<string | undefined>) | undefined;
}

/** Names of the objects that the job brings in. */
export function objectNames({ source, asset }: SourceSettings): readonly string[] {
  return source.objects ?? [asset];
}
