import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import { icebergSchema } from '../iceberg/metadata.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';

/**
 * A namespace of a plain folder is described by numbered manifests: `<namespace>/_manifests/00000007.json` says which
 * files every table consists of after the seventh commit. The newest one counts. A manifest is created whole under a
 * number that only one writer can take, so that a commit over several tables is one file appearing.
 */
const FORMAT = 1;
const MANIFESTS = '_manifests';
/** Older ones tell what earlier runs did; nothing reads them. */
const KEPT = 50;

const dataFile = z.object({
  /** Relative to the namespace's folder, so that the folder may be moved. */
  path: z.string(),
  rows: z.int(),
  bytes: z.int(),
});

const receipt = z.object({ run: z.string(), sequence: z.int(), files: z.int(), rows: z.int(), bytes: z.int() });

const table = z.object({
  id: z.string(),
  schema: icebergSchema,
  /** Manifest of the last commit that changed the table. */
  sequence: z.int(),
  files: z.array(dataFile),
  checkpoint: z.record(z.string(), z.unknown()).optional(),
  checkpointRun: z.string().optional(),
  /** The job that fills it (`TableOwner.job`). */
  owner: z.string().optional(),
  /** The latest, so that a repeated commit recognises itself. */
  runs: z.array(receipt),
  /** What a run said about its latest commit, such as the digest of its job. */
  properties: z.record(z.string(), z.string()),
});

const manifest = z.object({
  format: z.literal(FORMAT),
  sequence: z.int(),
  run: z.string(),
  committedAt: z.string(),
  tables: z.record(z.string(), table),
  /** Files that this commit took out of its tables; nobody but readers that began before it needs them. */
  removed: z.array(z.string()),
});

export type FolderManifest = z.infer<typeof manifest>;
export type FolderTable = z.infer<typeof table>;

/** The state of a namespace, or undefined before the first commit. Fails with TABLE_NOT_OURS or TABLE_NEWER. */
export async function readNewest(storage: Storage, namespaceFolder: string): Promise<FolderManifest | undefined> {
  const [newest] = (await manifestUris(storage, namespaceFolder)).reverse();
  if (newest === undefined) return undefined;
  const content = await storage.read(newest);
  // Removed between listing and reading: by then there is a newer one.
  return content === undefined ? readNewest(storage, namespaceFolder) : parse(content, storage.nameOf(newest));
}

/** False if another writer took this number. Fails with STORAGE_DENIED where a storage cannot tell that. */
export async function createManifest(
  storage: Storage,
  namespaceFolder: string,
  content: FolderManifest,
): Promise<boolean> {
  const name = `${String(content.sequence).padStart(8, '0')}.json`;
  if (content.sequence === 1)
    await requireExclusive(storage, inFolder(namespaceFolder, MANIFESTS, `try-${randomUUID()}`));
  return storage.writeIfAbsent(inFolder(namespaceFolder, MANIFESTS, name), `${JSON.stringify(content)}\n`);
}

/**
 * Some object stores ignore the condition of a write. There two commits would take one number, and the rows of the
 * first be lost without a word; so a new folder is tried out before it is used.
 */
async function requireExclusive(storage: Storage, uri: string): Promise<void> {
  await storage.writeIfAbsent(uri, '');
  const second = await storage.writeIfAbsent(uri, '');
  await storage.remove(uri);
  if (!second) return;
  throw fail('STORAGE_DENIED', {
    received: `a second writer of ${storage.nameOf(uri)} that replaced what the first one wrote`,
    expected: 'a store that creates an object only if there is none (If-None-Match), as S3 does',
    next: 'use another store, or target_connector: iceberg, whose catalog tells writers apart',
  });
}

export async function removeOldManifests(storage: Storage, namespaceFolder: string): Promise<void> {
  const uris = await manifestUris(storage, namespaceFolder);
  await storage.remove(uris.slice(0, -KEPT));
}

async function manifestUris(storage: Storage, namespaceFolder: string): Promise<string[]> {
  const files = await storage.list(inFolder(namespaceFolder, MANIFESTS), (name) => /^\d{8,}\.json$/.test(name));
  return files.map((file) => file.uri).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

function parse(content: Buffer, path: string): FolderManifest {
  const raw = parsedJson(content);
  const format = z.object({ format: z.int() }).safeParse(raw).data?.format ?? 0;
  if (format > FORMAT) {
    throw fail('TABLE_NEWER', {
      received: `a manifest of format ${format} in ${path}`,
      expected: `format ${FORMAT}, the newest that this version understands`,
      next: 'use a newer Dativo, or another folder',
    });
  }
  const result = manifest.safeParse(raw);
  if (result.success) return result.data;
  throw fail('TABLE_NOT_OURS', {
    received: `${path}, which is not a manifest that Dativo wrote`,
    expected: 'a folder that holds nothing, or what Dativo wrote there',
    next: 'choose another folder, or restore the file',
  });
}

function parsedJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString());
  } catch {
    return undefined;
  }
}
