/** Stores that `${store:path#key}` in a job can name. */
export const SECRET_STORES = ['vault', 'aws'] as const;
export type SecretStoreName = (typeof SECRET_STORES)[number];

/** What `${vault:secret/data/db?version=3#password}` names. */
export interface SecretReference {
  readonly store: SecretStoreName;
  /** Path or name of the secret in its store. */
  readonly path: string;
  /** Which value of the secret; undefined for the whole of it. */
  readonly key: string | undefined;
  /** Which version of the secret; undefined for the current one. */
  readonly version: string | undefined;
  /** AWS: the staging label of the version, such as AWSPREVIOUS. */
  readonly stage: string | undefined;
}

/** One store of secrets. What it throws names the secret and never holds a value. */
export interface SecretStore {
  /**
   * The whole secret as text: JSON where it has keys. Fails with SECRET_NOT_FOUND, SECRET_DENIED,
   * SECRET_STORE_UNSET or SECRET_STORE_UNAVAILABLE.
   */
  read(reference: SecretReference): Promise<string>;
}

/** A reference as it stands in the job, without `${` and `}`: `vault:secret/data/db#password`. */
export function secretName({ store, path, key, version, stage }: SecretReference): string {
  const which = [
    ...(version === undefined ? [] : [`version=${version}`]),
    ...(stage === undefined ? [] : [`stage=${stage}`]),
  ].join('&');
  return `${store}:${path}${which === '' ? '' : `?${which}`}${key === undefined ? '' : `#${key}`}`;
}
