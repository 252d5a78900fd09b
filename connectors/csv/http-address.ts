/** What is sent to get a file, and how it is called. */
export interface HttpAddress {
  /** Without user and password. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The address without anything secret. */
  readonly name: string;
}

export function isHttp(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/**
 * Parts of a query that sign it or give access: those of presigned addresses on AWS, Google Cloud and Azure, and names
 * that say so. The same file gets other ones every time.
 */
const SIGNING =
  /^(?:x-(?:amz|goog|ms|oss|cos)-.*|awsaccesskeyid|googleaccessid|expires|key-pair-id|policy|s[eiprtv]|spr|srt|sig|ske|skoid|sks|skt|sktid|skv)$/i;
const SECRET = /token|secret|signature|password|passwd|credential|auth|api[-_]?key|^key$/i;

export function httpAddress(location: string): HttpAddress {
  const url = new URL(location);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.hash = '';
  const name = new URL(url);
  for (const key of [...name.searchParams.keys()]) {
    if (SIGNING.test(key) || SECRET.test(key)) name.searchParams.delete(key);
  }
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    url: url.href,
    headers: user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` },
    name: name.href,
  };
}
