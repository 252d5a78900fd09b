/** A value such as infinity that no column of the wanted type can hold. The value is not in the message. */
export class Unrepresentable extends Error {
  readonly what: string;

  constructor(what: string) {
    super(what);
    this.name = 'Unrepresentable';
    this.what = what;
  }
}
