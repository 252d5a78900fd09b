import type { DiscoveredObject } from '../../contracts/discovery.ts';
import type { StreamSchema } from '../../contracts/schema.ts';
import type {
  Checkpoint,
  ConnectorContext,
  HeldSnapshot,
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
import { positionSchema, readChunk } from './read.ts';
import { PostgresSession } from './session.ts';
import { holdSnapshot } from './snapshot.ts';
import type { PgTable } from './table.ts';
import { findQuery, findTable } from './table.ts';

/** Tables and views of a Postgres database, or one query, one stream for each object. */
export class PostgresSource implements Source {
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
    await using session = await this.#open(context);
    const table = await this.#find(object, session);
    const read = readColumns(table, this.#settings.source);
    return await readChunk(table, read, positionSchema.parse(chunk.position), session, context);
  }

  /** What is read is known before it is read, see `planNewer`. */
  checkpointAfter(planned: Checkpoint): Checkpoint {
    return planned;
  }

  async discover(context: ConnectorContext): Promise<readonly DiscoveredObject[]> {
    await using session = await this.#open(context);
    return await discoverObjects(this.#settings.source, session);
  }

  async holdSnapshot(context: ConnectorContext): Promise<HeldSnapshot> {
    return holdSnapshot(await this.#open(context));
  }

  #open({ signal, snapshot }: ConnectorContext): Promise<PostgresSession> {
    return PostgresSession.open(sessionSettings(this.#settings), signal, snapshot);
  }

  #find(object: string, session: PostgresSession): Promise<PgTable> {
    const { query, schema } = this.#settings.source;
    return query === undefined ? findTable(parseObject(object, schema), session) : findQuery(query, object, session);
  }
}
