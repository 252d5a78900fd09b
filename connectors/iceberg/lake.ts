import { z } from 'zod';
import { fail } from '../../contracts/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { inFolder } from '../storage/storage.ts';

/** What Dativo keeps in a lake beside the tables: jobs, plans, staged work. */
const WORKING_FOLDER = '_dativo';
const LAKE_FILE = 'lake.json';
/** Rises when a lake is laid out so that an older Dativo would harm it. */
const LAKE_FORMAT = 1;

const lakeFile = z.looseObject({ format: z.int() });

/** URI of the lake's working folder. */
export function workingFolder(warehouse: string): string {
  return inFolder(warehouse, WORKING_FOLDER);
}

/** Marks a folder as a lake, unless it is one. Fails like `checkLake`. */
export async function claimLake(storage: Storage, warehouse: string): Promise<void> {
  if (await checkLake(storage, warehouse)) return;
  await storage.writeIfAbsent(lakeFileUri(warehouse), `${JSON.stringify({ format: LAKE_FORMAT })}\n`);
}

/**
 * True for a lake whose layout this version understands, false for a folder that is not marked as a lake. Fails with
 * TABLE_NEWER, TABLE_NOT_OURS or STORAGE_*.
 */
export async function checkLake(storage: Storage, warehouse: string): Promise<boolean> {
  const uri = lakeFileUri(warehouse);
  const content = await storage.read(uri);
  if (content === undefined) return false;
  const format = formatOf(content);
  if (format === undefined) {
    throw fail('TABLE_NOT_OURS', {
      received: `${storage.nameOf(uri)} with content that is not a lake's`,
      expected: `{"format": ${LAKE_FORMAT}}`,
      next: 'choose another warehouse folder, or restore the file',
    });
  }
  if (format > LAKE_FORMAT) {
    throw fail('TABLE_NEWER', {
      received: `a lake of format ${format} in ${storage.nameOf(warehouse)}`,
      expected: `format ${LAKE_FORMAT}, the newest that this version understands`,
      next: 'use a newer Dativo, or another warehouse folder',
    });
  }
  return true;
}

function lakeFileUri(warehouse: string): string {
  return inFolder(workingFolder(warehouse), LAKE_FILE);
}

function formatOf(content: Buffer): number | undefined {
  try {
    return lakeFile.safeParse(JSON.parse(content.toString())).data?.format;
  } catch {
    return undefined;
  }
}
