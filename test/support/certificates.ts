import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate with its private key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Signs certificates for the servers and clients of a test. */
export interface Authority extends Certificate {
  issue(subject: string, names?: readonly string[]): Certificate;
}

/** An authority that nobody knows but who is given its certificate. X.509 v3 (RFC 5280), ECDSA on P-256 (RFC 5758). */
export function createAuthority(name: string): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const make = (subject: string, publicKey: KeyObject, extensions: Buffer) =>
    certificate({ issuer: name, subject, publicKey, extensions, signer: keys.privateKey });
  return {
    cert: make(name, keys.publicKey, IS_AUTHORITY),
    key: pemOfKey(keys.privateKey),
    issue(subject, names = []) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extensions = names.length > 0 ? alternativeNames(names) : Buffer.alloc(0);
      return { cert: make(subject, own.publicKey, extensions), key: pemOfKey(own.privateKey) };
    },
  };
}

interface Request {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: Buffer;
  readonly signer: KeyObject;
}

const DAY_MS = 86_400_000;

function certificate({ issuer, subject, publicKey, extensions, signer }: Request): string {
  const content = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(utcTime(Date.now() - DAY_MS), utcTime(Date.now() + DAY_MS)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [tagged(0xa3, sequence(extensions))] : []),
  );
  const signature = sign('sha256', content, signer);
  const der = sequence(content, ECDSA_WITH_SHA256, bitString(signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function pemOfKey(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }));
}

/** DER (X.690): a tag, the length, the content. */
function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

const sequence = (...content: readonly Buffer[]) => tagged(0x30, ...content);
const integer = (value: Buffer) => tagged(0x02, value);
const bitString = (value: Buffer) => tagged(0x03, Buffer.from([0]), value);
const octets = (value: Buffer) => tagged(0x04, value);
const identifier = (hex: string) => tagged(0x06, Buffer.from(hex, 'hex'));
const TRUE = tagged(0x01, Buffer.from([0xff]));

function utcTime(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/\D/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

/** commonName, 2.5.4.3. */
function nameOf(text: string): Buffer {
  return sequence(tagged(0x31, sequence(identifier('550403'), tagged(0x0c, Buffer.from(text)))));
}

/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2. */
const ECDSA_WITH_SHA256 = sequence(identifier('2a8648ce3d040302'));
/** basicConstraints, 2.5.29.19, critical. */
const IS_AUTHORITY = sequence(identifier('551d13'), TRUE, octets(sequence(TRUE)));

/** subjectAltName, 2.5.29.17: host names, and IPv4 addresses by their four bytes. */
function alternativeNames(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    /^[\d.]+$/.test(name) ? tagged(0x87, Buffer.from(name.split('.').map(Number))) : tagged(0x82, Buffer.from(name)),
  );
  return sequence(identifier('551d11'), octets(sequence(...entries)));
}
