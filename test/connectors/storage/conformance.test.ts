import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { LocalStorage, localUri } from '../../../connectors/storage/local.ts';
import { S3Storage } from '../../../connectors/storage/s3.ts';
import type { Storage, Transfer } from '../../../connectors/storage/storage.ts';
import { temporaryFolder } from '../../support/duckdb.ts';
import { useS3 } from '../../support/s3.ts';

const s3 = useS3();

/** A storage, an empty folder of it, and a folder on the local disk. */
interface Place {
  readonly storage: Storage;
  readonly root: string;
  readonly transfer: Transfer;
}

const PLACES: Readonly<Record<string, (folder: string) => Promise<{ storage: Storage; root: string }>>> = {
  'a local disk': async (folder) => ({ storage: new LocalStorage(), root: localUri(path.join(folder, 'lake')) }),
  'an object store': async () => ({
    storage: new S3Storage(s3().settings),
    root: `s3://${await s3().bucket()}/some/lake`,
  }),
};

describe.each(Object.keys(PLACES))('%s', (name) => {
  async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
    await using folder = await temporaryFolder();
    const create = PLACES[name];
    if (create === undefined) throw new Error(`no place ${name}`);
    const scratchFolder = path.join(folder.path, 'scratch');
    await mkdir(scratchFolder);
    await work({ ...(await create(folder.path)), transfer: { scratchFolder, signal: new AbortController().signal } });
  }

  const names = async ({ storage, root }: Place) =>
    (await storage.list(root)).map(({ uri }) => uri.slice(root.length + 1)).toSorted();

  test('lets exactly one of many writers create a file of one name, whole', () =>
    inPlace(async ({ storage, root }) => {
      const uri = `${root}/deep/er/file.json`;
      const contents = Array.from({ length: 8 }, (_, i) => `writer ${i} `.repeat(1000));
      const won = await Promise.all(contents.map((content) => storage.writeIfAbsent(uri, content)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await storage.read(uri))?.toString()).toBe(contents[won.indexOf(true)]);
      expect(await storage.writeIfAbsent(uri, contents[won.indexOf(true)] ?? '')).toBe(false);
    }));

  test('replaces a file in one step, and tells its size and time', () =>
    inPlace(async ({ storage, root }) => {
      const uri = `${root}/file.json`;
      await storage.replace(uri, 'old');
      await storage.replace(uri, Buffer.from('newer'));
      expect((await storage.read(uri))?.toString()).toBe('newer');
      expect(await storage.size(uri)).toBe(5);
      const [file, ...others] = await storage.list(root);
      expect([file?.uri, file?.bytes, others.length]).toEqual([uri, 5, 0]);
      expect(Math.abs((file?.modifiedMs ?? 0) - Date.now())).toBeLessThan(60_000);
    }));

  test('has empty files', () =>
    inPlace(async ({ storage, root }) => {
      expect(await storage.writeIfAbsent(`${root}/empty`, '')).toBe(true);
      expect(await storage.read(`${root}/empty`)).toEqual(Buffer.alloc(0));
      expect(await storage.size(`${root}/empty`)).toBe(0);
    }));

  test('neither reads, measures, lists nor misses what is not there', () =>
    inPlace(async ({ storage, root }) => {
      const uri = `${root}/none/file`;
      expect(await storage.read(uri)).toBeUndefined();
      expect(await storage.size(uri)).toBeUndefined();
      expect(await storage.list(uri)).toEqual([]);
      await storage.remove(uri);
      await storage.remove([]);
      await storage.removeUnfinished(root);
    }));

  test('lists a folder at any depth, by name, and no folder whose name only begins alike', () =>
    inPlace(async (place) => {
      const { storage, root } = place;
      for (const file of ['a.csv', 'x/b.csv', 'x/y/c.txt']) await storage.replace(`${root}/in/${file}`, 'x');
      await storage.replace(`${root}/in2/d.csv`, 'x');
      const listed = await storage.list(`${root}/in`, (file) => file.endsWith('.csv'));
      expect(listed.map(({ uri }) => uri).toSorted()).toEqual([`${root}/in/a.csv`, `${root}/in/x/b.csv`]);
      expect(await names(place)).toHaveLength(4);
    }));

  test(
    'lists and removes more files than fit in one answer',
    () =>
      inPlace(async (place) => {
        const { storage, root } = place;
        const uris = Array.from({ length: 1050 }, (_, i) => `${root}/many/${String(i).padStart(4, '0')}`);
        for (let i = 0; i < uris.length; i += 50) {
          await Promise.all(uris.slice(i, i + 50).map((uri) => storage.replace(uri, 'x')));
        }
        expect((await storage.list(root)).map(({ uri }) => uri).toSorted()).toEqual(uris);
        await storage.remove(uris.slice(1), root);
        expect(await names(place)).toEqual(['many/0000']);
      }),
    60_000,
  );

  test('takes any characters in a name, as they are', () =>
    inPlace(async ({ storage, root }) => {
      const uris = ['a b', '100%/é [x]?*.json', 'q=1&2+3', "it's", 'day=2024-01-01/a#b.txt'].map((n) => `${root}/${n}`);
      for (const uri of uris) await storage.replace(uri, uri);
      expect((await storage.list(root)).map(({ uri }) => uri).toSorted()).toEqual(uris.toSorted());
      for (const uri of uris) expect((await storage.read(uri))?.toString()).toBe(uri);
      await storage.remove(uris, root);
      expect(await storage.list(root)).toEqual([]);
    }));

  test('brings what a program wrote to its place, and nothing else of it', () =>
    inPlace(async (place) => {
      const { storage, root, transfer } = place;
      const staging = await storage.stage(`${root}/data/run`, transfer);
      await mkdir(path.join(staging.path, 'day=1'));
      for (const file of ['a.parquet', 'day=1/b.parquet', 'empty.parquet']) {
        await writeFile(path.join(staging.path, file), file);
      }
      await staging.finish(['a.parquet', path.join('day=1', 'b.parquet')]);
      expect(await names(place)).toEqual(['data/run/a.parquet', 'data/run/day=1/b.parquet']);
      expect((await storage.read(`${root}/data/run/day=1/b.parquet`))?.toString()).toBe('day=1/b.parquet');
      expect(await readdir(transfer.scratchFolder)).toEqual([]);
    }));

  test('brings no file at all when none is wanted', () =>
    inPlace(async (place) => {
      const staging = await place.storage.stage(`${place.root}/data/run`, place.transfer);
      await writeFile(path.join(staging.path, 'empty.parquet'), 'x');
      await staging.finish([]);
      expect(await names(place)).toEqual([]);
    }));

  test('gives local paths of files in the order that they were asked for', () =>
    inPlace(async ({ storage, root, transfer }) => {
      const uris = Array.from({ length: 9 }, (_, i) => `${root}/${i % 2 ? 'b' : 'a'}/same name.parquet${i}`);
      for (const uri of uris) await storage.replace(uri, `content of ${uri}`);
      const paths = await storage.localise(uris, transfer);
      expect(await Promise.all(paths.map((file) => readFile(file, 'utf8')))).toEqual(
        uris.map((uri) => `content of ${uri}`),
      );
      expect(await storage.localise([], transfer)).toEqual([]);
      // Asked again, it is the same: nobody fetches a file twice for one piece of work.
      expect(await storage.localise(uris, transfer)).toEqual(paths);
    }));

  test('knows a file by one name however its URI is spelled, and none of another kind', () =>
    inPlace(async ({ storage, root }) => {
      const other = root.startsWith('s3:') ? root.replace('s3:', 's3a:') : root.replace('file://', 'file:');
      await storage.replace(`${root}/file`, 'x');
      expect((await storage.read(`${other}/file`))?.toString()).toBe('x');
      expect(storage.nameOf(`${other}/file`)).toBe(storage.nameOf(`${root}/file`));
      expect(() => storage.nameOf('gs://bucket/key')).toThrow(expect.objectContaining({ code: 'NOT_AVAILABLE_YET' }));
    }));
});
