import { valueOf } from '../connectors/secrets/value-of.ts';
import type { SecretReference, SecretStore, SecretStoreName } from '../contracts/secret.ts';
import { secretName } from '../contracts/secret.ts';

/** A run asks for the same secrets in each of its activities; this long they are not asked for again. */
const KEPT_MS = 60_000;
const KEPT_SECRETS = 1000;

type Opener = () => Promise<SecretStore>;

interface Kept {
  readonly text: Promise<string>;
  readonly readAtMs: number;
}

/** Reads secrets, each once for all who need it at about the same time. A failure is not kept. */
export class SecretCache {
  readonly #openers: Readonly<Record<SecretStoreName, Opener>>;
  readonly #stores = new Map<SecretStoreName, Promise<SecretStore>>();
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;

  constructor(openers: Readonly<Record<SecretStoreName, Opener>>, now: () => number = Date.now) {
    this.#openers = openers;
    this.#now = now;
  }

  /**
   * The values by name (see `secretName`). `notBeforeMs` asks for ones that were read at or after that moment, because
   * older ones were refused. Fails as the stores do.
   */
  async values(
    references: readonly SecretReference[],
    notBeforeMs = this.#now() - KEPT_MS,
  ): Promise<ReadonlyMap<string, string>> {
    const read = async (reference: SecretReference) => {
      const text = await this.#text(reference, notBeforeMs);
      return [secretName(reference), valueOf(reference, text)] as const;
    };
    return new Map(await Promise.all(references.map(read)));
  }

  /** User and password are two keys of one secret: it is read once, so that they belong together. */
  #text(reference: SecretReference, notBeforeMs: number): Promise<string> {
    const whole = secretName({ ...reference, key: undefined });
    const kept = this.#kept.get(whole);
    if (kept !== undefined && kept.readAtMs >= notBeforeMs) return kept.text;
    const text = this.#store(reference.store).then((store) => store.read(reference));
    const entry: Kept = { text, readAtMs: this.#now() };
    this.#kept.delete(whole);
    this.#kept.set(whole, entry);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_SECRETS && oldest !== undefined) this.#kept.delete(oldest);
    text.catch(() => {
      if (this.#kept.get(whole) === entry) this.#kept.delete(whole);
    });
    return text;
  }

  #store(name: SecretStoreName): Promise<SecretStore> {
    const store = this.#stores.get(name) ?? this.#openers[name]();
    this.#stores.set(name, store);
    // One that cannot be opened is tried again: its settings may be in files.
    store.catch(() => this.#stores.delete(name));
    return store;
  }
}
