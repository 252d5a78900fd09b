import { createHash, randomBytes } from 'node:crypto';

/**
 * Every file that a commit writes carries a UUID whose first part comes from the run, so that what a dead attempt left
 * behind can be found by its name, and whose rest is random, so that no attempt ever meets the files of another.
 * It is a valid version 8 UUID (RFC 9562), because other Iceberg writers expect one in the name of a metadata file.
 */
export function commitUuid(runId: string): string {
  const tag = runTag(runId);
  const random = randomBytes(10);
  random.writeUInt8((random.readUInt8(0) & 0x0f) | 0x80, 0);
  random.writeUInt8((random.readUInt8(2) & 0x3f) | 0x80, 2);
  const hex = random.toString('hex');
  return `${tag.slice(0, 8)}-${tag.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`;
}

/** True for a file of the metadata folder that an attempt of this run wrote. */
export function isOfRun(fileName: string, runId: string): boolean {
  const tag = runTag(runId);
  return fileName.includes(`${tag.slice(0, 8)}-${tag.slice(8)}-8`);
}

/** 48 bits of the run id's digest as 12 hex digits. */
function runTag(runId: string): string {
  return createHash('sha256').update(runId).digest('hex').slice(0, 12);
}

const VERSION = /\/(\d+)-[^/]*\.metadata\.json$/;

/** Name of the metadata file that follows `previous`; the number is for people, the catalog decides. */
export function metadataFileName(previous: string | undefined, uuid: string): string {
  const version = previous === undefined ? 0 : (metadataVersion(previous) ?? -1) + 1;
  return `${String(version).padStart(5, '0')}-${uuid}.metadata.json`;
}

/** The number in the name of a metadata file; undefined for a name of another form. */
export function metadataVersion(uri: string): number | undefined {
  const digits = VERSION.exec(uri)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
