import type { DiscoveredObject } from '../../contracts/discovery.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import type {
  Checkpoint,
  ConnectorContext,
  PlanRequest,
  Relation,
  Source,
  SourceChunk,
  SourcePlan,
  StreamDescription,
} from '../connector.ts';
import { describeTable } from '../database/describe.ts';
import { parseObject } from '../database/object-name.ts';
import { sessionSettings } from '../database/session-settings.ts';
import type { DuckDbSession } from '../duckdb/session.ts';
import type { SourceSettings } from '../source-settings.ts';
import { objectNames } from '../source-settings.ts';
import { doubtsOf, readColumns } from './columns.ts';
import { discoverObjects } from './discover.ts';
import { planTable } from './plan.ts';
import { memorySchema, positionSchema, readObject } from './read.ts';
import { MySqlSession } from './session.ts';
import type { MyTable } from './table.ts';
import { findQuery, findTable } from './table.ts';

/** Tables and views of a MySQL or MariaDB database, or one query, one stream for each object. */
export class MySqlSource implements Source {
  readonly #settings: SourceSettings;

  constructor(settings: SourceSettings) {
    this.#settings = settings;
  }

  async check(context: ConnectorContext): Promise<void> {
    await using session = await this.#open(context);
    for (const object of objectNames(this.#settings)) await this.#find(object, session);
  }

  async objects(): Promise<readonly string[]> {
    return objectNames(this.#settings);
  }

  async describe(object: string, context: ConnectorContext): Promise<StreamDescription> {
    await using session = await this.#open(context);
    const table = await this.#find(object, session);
    const read = readColumns(table, this.#settings.source);
    return describeTable(table, read, doubtsOf(read));
  }

  async plan(request: PlanRequest, context: ConnectorContext): Promise<SourcePlan> {
    await using session = await this.#open(context);
    const table = await this.#find(request.object, session);
    // Without the await the connection would be closed before the answer comes.
    return await planTable(table, this.#settings.source, request, session);
  }

  async read(
    object: string,
    _schema: StreamSchema,
    chunk: SourceChunk,
    _session: DuckDbSession,
    context: ConnectorContext,
  ): Promise<Relation> {
    const session = await this.#open(context);
    try {
      const { source } = this.#settings;
      const table = await this.#find(object, session);
      const read = readColumns(table, source);
      return await readObject(table, read, positionSchema.parse(chunk.position), source, session, context);
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The transaction that read the rows knows where they end; the plan had another one. */
  checkpointAfter(planned: Checkpoint, _highest: string | undefined, memories: readonly unknown[] = []): Checkpoint {
    const [memory] = memories;
    return memory === undefined ? planned : memorySchema.parse(memory).next;
  }

  async discover(context: ConnectorContext): Promise<readonly DiscoveredObject[]> {
    await using session = await this.#open(context);
    return await discoverObjects(this.#settings.source, session);
  }

  #open({ signal }: ConnectorContext): Promise<MySqlSession> {
    return MySqlSession.open(sessionSettings(this.#settings), signal);
  }

  #find(object: string, session: MySqlSession): Promise<MyTable> {
    const { query } = this.#settings.source;
    if (query !== undefined) return findQuery(query, object, session);
    const { schema, table } = parseObject(object, undefined);
    return findTable(schema, table, session);
  }
}
