import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { storageError } from '../../../connectors/storage/errors.ts';
import { LocalStorage, localUri } from '../../../connectors/storage/local.ts';
import { temporaryFolder } from '../../support/duckdb.ts';

const storage = new LocalStorage();

describe('a file on a local disk', () => {
  test('is created by many writers of one name without a trace of those that lost', async () => {
    await using folder = await temporaryFolder();
    const uri = `${localUri(folder.path)}/deep/er/file.json`;
    const contents = Array.from({ length: 8 }, (_, i) => `writer ${i} `.repeat(1000));
    const won = await Promise.all(contents.map((content) => storage.writeIfAbsent(uri, content)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await storage.read(uri))?.toString()).toBe(contents[won.indexOf(true)]);
    expect(await readdir(path.join(folder.path, 'deep/er'))).toEqual(['file.json']);
  });

  test('is removed with the folders that it leaves empty, up to a given one', async () => {
    await using folder = await temporaryFolder();
    const root = localUri(folder.path);
    await storage.replace(`${root}/table/data/run/chunk/file`, 'x');
    await storage.replace(`${root}/table/data/other`, 'x');
    await storage.remove(`${root}/table/data/run/chunk/file`, `${root}/table`);
    expect(await readdir(path.join(folder.path, 'table/data'))).toEqual(['other']);
  });
});

describe('what the operating system refuses', () => {
  test.each([
    ['ENOSPC', 'STORAGE_FULL'],
    ['EDQUOT', 'STORAGE_FULL'],
    ['EACCES', 'STORAGE_DENIED'],
    ['EPERM', 'STORAGE_DENIED'],
    ['EROFS', 'STORAGE_DENIED'],
    ['EIO', 'STORAGE_IO'],
  ])('%s is %s', (errno, code) => {
    const error = Object.assign(new Error('text of the system'), { code: errno });
    expect(storageError(error, 'writing', '/lake/file')).toMatchObject({ code });
    expect(storageError(error, 'writing', '/lake/file').message).not.toContain('text of the system');
  });

  test('a file where a folder should be is an error that names it', async () => {
    await using folder = await temporaryFolder();
    await writeFile(path.join(folder.path, 'taken'), '');
    const write = storage.replace(`${localUri(folder.path)}/taken/file`, 'x');
    await expect(write).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    await expect(write).rejects.toThrow('taken/file');
  });
});
