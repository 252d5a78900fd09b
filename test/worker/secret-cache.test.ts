import { expect, test } from 'vitest';
import { parseSecretReference } from '../../config/secret-reference.ts';
import type { SecretReference } from '../../contracts/secret.ts';
import { SecretCache } from '../../worker/secret-cache.ts';

const ref = (text: string): SecretReference => {
  const reference = parseSecretReference(text);
  if (reference === undefined) throw new Error(`malformed: ${text}`);
  return reference;
};
const [user, password] = [ref('vault:secret/data/db#user'), ref('vault:secret/data/db#password')];

function cacheOf(answers: (() => string)[]) {
  let now = 1_000_000;
  const asked: string[] = [];
  const store = {
    async read({ path }: SecretReference) {
      asked.push(path);
      return (answers.length > 1 ? answers.shift() : answers[0])?.() ?? '';
    },
  };
  const cache = new SecretCache({ vault: async () => store, aws: async () => store }, () => now);
  const pass = (ms: number) => {
    now += ms;
    return now;
  };
  return { cache, asked, pass };
}

const json = (version: string) => () => JSON.stringify({ user: `user ${version}`, password: `password ${version}` });

test('keys of one secret come from one reading, so that they belong together', async () => {
  const { cache, asked } = cacheOf([json('1'), json('2')]);
  const values = await cache.values([user, password]);
  expect([values.get('vault:secret/data/db#user'), values.get('vault:secret/data/db#password')]).toEqual([
    'user 1',
    'password 1',
  ]);
  expect(asked).toEqual(['secret/data/db']);
});

test('a value is kept for a minute, and then read again', async () => {
  const { cache, asked, pass } = cacheOf([json('1'), json('2')]);
  await cache.values([user]);
  pass(59_000);
  await cache.values([user]);
  expect(asked).toHaveLength(1);
  pass(2_000);
  expect((await cache.values([user])).get('vault:secret/data/db#user')).toBe('user 2');
});

test('a value that was refused is read again at once, once for all who were refused', async () => {
  const { cache, asked, pass } = cacheOf([json('1'), json('2')]);
  await cache.values([user]);
  const refusedAt = pass(5);
  const again = await Promise.all([cache.values([user], refusedAt), cache.values([password], refusedAt)]);
  expect(again[0]?.get('vault:secret/data/db#user')).toBe('user 2');
  expect(again[1]?.get('vault:secret/data/db#password')).toBe('password 2');
  expect(asked).toHaveLength(2);
});

test('a failure is not kept', async () => {
  const refuse = () => {
    throw new Error('away');
  };
  const { cache } = cacheOf([refuse, json('1')]);
  await expect(cache.values([user])).rejects.toThrow('away');
  expect((await cache.values([user])).get('vault:secret/data/db#user')).toBe('user 1');
});

test('versions and stages of a secret are secrets of their own', async () => {
  const { cache, asked } = cacheOf([json('1')]);
  await cache.values([user, ref('vault:secret/data/db?version=1#user'), ref('aws:secret/data/db?stage=OLD#user')]);
  expect(asked).toHaveLength(3);
});
