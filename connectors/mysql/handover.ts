/**
 * Passes things from one piece of work to another, one at a time: whoever gives waits until it was taken, and so is never
 * more than one ahead.
 */
export class Handover<T> {
  #offered: { readonly value: T } | undefined;
  #end: { readonly error?: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  /** Until `end` is called. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Resolves when it was taken, or nobody will; rejects when `end` was called before. */
  async give(value: T): Promise<void> {
    while (this.#offered !== undefined && this.#end === undefined) await this.#changed.promise;
    if (this.#end !== undefined) throw this.#end.error ?? new Error('nobody takes it any more');
    const offered = { value };
    this.#offered = offered;
    this.#tell();
    while (this.#offered === offered && this.#end === undefined) await this.#changed.promise;
  }

  /** The next thing; undefined when there will be none. Rejects with the error that it ended with. */
  async take(): Promise<T | undefined> {
    while (this.#offered === undefined && this.#end === undefined) await this.#changed.promise;
    const offered = this.#offered;
    if (offered !== undefined) {
      this.#offered = undefined;
      this.#tell();
      return offered.value;
    }
    if (this.#end?.error !== undefined) throw this.#end.error;
    return undefined;
  }

  /** Nothing more comes, or nobody wants it. The first call counts; what was offered and not taken can be taken still. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
