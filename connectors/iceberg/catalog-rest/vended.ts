import { z } from 'zod';
import type { LentAccess } from '../../storage/lent-access.ts';
import { canBorrow } from '../../storage/lent-access.ts';
import type { S3Credentials } from '../../storage/s3-client.ts';
import type { Storage } from '../../storage/storage.ts';
import { inFolder } from '../../storage/storage.ts';
import type { HttpAnswer } from './http.ts';

/** What a request says to be lent access to a table's files (spec, "X-Iceberg-Access-Delegation"). */
export const VENDED_HEADERS = { 'x-iceberg-access-delegation': 'vended-credentials' };

const settings = z.record(z.string(), z.string());
const lendingAnswer = z.object({
  config: settings.nullish().transform((given) => given ?? {}),
  'storage-credentials': z
    .array(z.object({ prefix: z.string(), config: settings }))
    .nullish()
    .transform((given) => given ?? []),
});

type Settings = z.output<typeof settings>;
type Lent = Omit<LentAccess, 'renew'>;

/**
 * Lets the storage use what the catalog lends for the table at `location`; without that, its files are reached as all
 * others. `ask` brings the answer again, since what is lent comes to its end.
 */
export function lendAccess(
  storage: Storage,
  location: string,
  answer: HttpAnswer,
  ask: () => Promise<HttpAnswer>,
): void {
  if (!canBorrow(storage)) return;
  for (const access of lentIn(answer, location)) {
    const renew = async () => lentIn(await ask(), location).find(({ prefix }) => prefix === access.prefix)?.credentials;
    storage.borrow({ ...access, renew });
  }
}

/** Spec, `LoadTableResult`: credentials by prefix go before those in the table's configuration. */
function lentIn(answer: HttpAnswer, location: string): Lent[] {
  const parsed = lendingAnswer.safeParse(answer.body);
  if (!parsed.success) return [];
  const { config, 'storage-credentials': byPrefix } = parsed.data;
  const lent = byPrefix.length === 0 ? [{ prefix: inFolder(location, ''), config: {} }] : byPrefix;
  return lent.flatMap(({ prefix, config: own }) => {
    const given = { ...config, ...own };
    const credentials = credentialsOf(given);
    return credentials === undefined ? [] : [{ prefix, place: placeOf(given), credentials }];
  });
}

/** Names that Iceberg's own S3FileIO gave these settings. */
function placeOf(given: Settings): LentAccess['place'] {
  const [endpoint, region] = [given['s3.endpoint'], given['s3.region'] ?? given['client.region']];
  const pathStyle = given['s3.path-style-access'];
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(pathStyle === undefined ? {} : { pathStyle: pathStyle === 'true' }),
  };
}

function credentialsOf(given: Settings): S3Credentials | undefined {
  const { 's3.access-key-id': accessKeyId, 's3.secret-access-key': secretAccessKey } = given;
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const sessionToken = given['s3.session-token'];
  const expires = Number(given['s3.session-token-expires-at-ms']);
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(Number.isFinite(expires) ? { expiration: new Date(expires) } : {}),
  };
}
