import { unserved } from './errors.ts';

/** An object, or with a key that ends in nothing or `/`, everything below it. */
export interface S3Address {
  readonly bucket: string;
  /** As it is: nothing in it is percent-encoded. */
  readonly key: string;
}

/** Hadoop writes `s3a://` and `s3n://` for what everyone else calls `s3://`. */
const S3_URI = /^s3[an]?:\/\/([^/]+)(?:\/(.*))?$/s;

export function isS3(uri: string): boolean {
  return /^s3[an]?:\/\//.test(uri);
}

/** Bucket and key of a URI. Throws NOT_AVAILABLE_YET for a URI of another kind. */
export function s3Address(uri: string): S3Address {
  const [, bucket, key = ''] = S3_URI.exec(uri) ?? [];
  if (bucket !== undefined) return { bucket, key };
  throw unserved(uri);
}

export function s3Uri({ bucket, key }: S3Address): string {
  return `s3://${bucket}/${key}`;
}
