import type { Connection, FieldPacket } from 'mysql2';
import { prepare, wireColumn } from './session.ts';
import type { WireColumn } from './type-rules.ts';

/** Where rows go to. */
export interface RowTarget {
  /** Called once, before any row. */
  begin(columns: readonly WireColumn[]): void;
  /** A row in its binary form, which begins at `at`. The bytes stay as they are. */
  row(source: Uint8Array, at: number): void;
  /** True when `empty` should be called before another row. */
  isFull(): boolean;
  empty(): Promise<void>;
}

/** The first byte of a row in its binary form. */
const ROW = 0;

/**
 * Runs a query as a prepared statement and gives each row to the target straight from the packet that it came in: the
 * binary form costs the server half of what the text costs it, and the client library's own parser makes an object for
 * each row, which costs more than everything else here.
 */
export async function streamRows(connection: Connection, sql: string, target: RowTarget): Promise<void> {
  const statement = await prepare(connection, sql);
  await new Promise<void>((resolve, reject) => {
    const command = statement.execute([], (error) => (error ? reject(error) : resolve()));
    let hasColumns = false;
    command.on('fields', (fields: FieldPacket[]) => {
      hasColumns = true;
      target.begin(fields.map(wireColumn));
    });
    intercept(command, (packet) => {
      if (!hasColumns || packet.buffer[packet.offset] !== ROW) return false;
      target.row(packet.buffer, packet.offset);
      if (target.isFull()) {
        connection.pause();
        target.empty().then(
          () => connection.resume(),
          (error: unknown) => {
            reject(error);
            connection.destroy();
          },
        );
      }
      return true;
    });
  });
  connection.unprepare(sql);
}

interface Packet {
  readonly buffer: Uint8Array;
  readonly offset: number;
}

/**
 * Shows a command of the client library each packet first; it gets those for which `take` is false. The library keeps
 * this way to itself, hence the checks.
 */
function intercept(command: object, take: (packet: Packet) => boolean): void {
  const execute: unknown = Reflect.get(command, 'execute');
  if (typeof execute !== 'function') throw new TypeError('a command that takes no packets');
  Reflect.set(command, 'execute', (packet: unknown, connection: unknown): unknown => {
    if (isPacket(packet) && take(packet)) return false;
    return Reflect.apply(execute, command, [packet, connection]);
  });
}

function isPacket(packet: unknown): packet is Packet {
  return (
    typeof packet === 'object' &&
    packet !== null &&
    'buffer' in packet &&
    packet.buffer instanceof Uint8Array &&
    'offset' in packet &&
    typeof packet.offset === 'number'
  );
}
