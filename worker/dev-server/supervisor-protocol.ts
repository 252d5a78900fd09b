import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ErrorCode, ErrorParts } from '../../contracts/errors.ts';
import { ERROR_CATALOGUE, fail } from '../../contracts/errors.ts';

/** What a command tells the supervisor that it starts; one JSON argument. */
export interface SupervisorSettings {
  readonly home: string;
  readonly socket: string;
  readonly binary: string;
  readonly port?: number;
  readonly uiPort?: number;
}

/** What the supervisor says to everyone who connects: one line of JSON, as soon as it is known. */
export type SupervisorMessage =
  | { readonly type: 'ready'; readonly address: string; readonly uiUrl: string; readonly pid: number }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly parts: ErrorParts };

/** What a command says first when it is going to use the server; whoever only looks says nothing. */
export const USE = 'use\n';

/** `server.json` in the home folder: there while a supervisor runs, or after one was killed. */
export interface ServerRecord {
  readonly socket: string;
  readonly supervisorPid: number;
  readonly address?: string;
  readonly uiUrl?: string;
  /** Process id of the Temporal server. */
  readonly pid?: number;
}

/** The files of one home folder that the dev server uses. */
export function serverFiles(home: string) {
  return {
    lock: path.join(home, 'server.lock'),
    record: path.join(home, 'server.json'),
    ports: path.join(home, 'ports.json'),
    pid: path.join(home, 'server.pid'),
    log: path.join(home, 'server.log'),
    database: path.join(home, 'temporal.db'),
  };
}

/** Socket paths end at 104 bytes on macOS and at 108 on Linux. */
const SOCKET_PATH_LIMIT = 103;

/** The socket of a home folder, short wherever that folder is. Throws STORAGE_DENIED when its folder is another user's. */
export function socketPath(home: string): string {
  const uid = process.getuid?.() ?? 0;
  const name = `${createHash('sha256').update(home).digest('hex').slice(0, 16)}.sock`;
  const candidates = [os.tmpdir(), '/tmp'].map((folder) => path.join(folder, `dativo-${uid}`));
  const folder = candidates.find((candidate) => Buffer.byteLength(path.join(candidate, name)) <= SOCKET_PATH_LIMIT);
  const chosen = folder ?? path.join('/tmp', `dativo-${uid}`);
  mkdirSync(chosen, { recursive: true, mode: 0o700 });
  const found = lstatSync(chosen);
  if (!found.isDirectory() || found.uid !== uid) {
    throw fail('STORAGE_DENIED', {
      received: `${chosen} belongs to another user`,
      expected: 'a folder of your own for sockets',
      next: 'remove it or set TMPDIR to a folder of yours',
    });
  }
  chmodSync(chosen, 0o700);
  return path.join(chosen, name);
}

export async function readServerRecord(home: string): Promise<ServerRecord | undefined> {
  const value = await readJson(serverFiles(home).record);
  const socket = value?.['socket'];
  const supervisorPid = value?.['supervisorPid'];
  if (typeof socket !== 'string' || typeof supervisorPid !== 'number') return undefined;
  const { address, uiUrl, pid } = value ?? {};
  return {
    socket,
    supervisorPid,
    ...(typeof address === 'string' ? { address } : {}),
    ...(typeof uiUrl === 'string' ? { uiUrl } : {}),
    ...(typeof pid === 'number' ? { pid } : {}),
  };
}

/** Undefined when the file is missing or is not a JSON object: such a file is then as good as missing. */
export async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the file in one step: a reader sees the old content or the new one. */
export async function writeJson(file: string, value: object): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(value)}\n`);
  await rename(temporary, file);
}

export function parseMessage(line: string): SupervisorMessage | undefined {
  const value: unknown = JSON.parse(line);
  if (!isObject(value)) return undefined;
  const { type, address, uiUrl, pid, code, parts } = value;
  if (type === 'ready' && typeof address === 'string' && typeof uiUrl === 'string' && typeof pid === 'number') {
    return { type, address, uiUrl, pid };
  }
  if (type === 'failed' && isErrorCode(code) && isErrorParts(parts)) return { type, code, parts };
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CATALOGUE, value);
}

function isErrorParts(value: unknown): value is ErrorParts {
  return isObject(value) && ['received', 'expected', 'next'].every((part) => typeof value[part] === 'string');
}
