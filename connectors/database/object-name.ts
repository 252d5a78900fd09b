/** What an object of a job stands for in a database. */
export interface ObjectName {
  /** Undefined where neither the object nor the job names one. */
  readonly schema: string | undefined;
  readonly table: string;
}

/** `sales.orders`, or `orders` in the schema that the job names. */
export function parseObject(object: string, defaultSchema: string | undefined): ObjectName {
  const dot = object.indexOf('.');
  return dot < 0
    ? { schema: defaultSchema, table: object }
    : { schema: object.slice(0, dot), table: object.slice(dot + 1) };
}
