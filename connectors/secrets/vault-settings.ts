import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fail } from '../../contracts/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How Vault is asked for a token; `mount` is where the method is mounted below `auth/`. */
export type VaultLogin =
  | { readonly method: 'token'; readonly token: () => string | undefined }
  | {
      readonly method: 'approle';
      readonly mount: string;
      readonly roleId: string;
      readonly secretId: () => string | undefined;
    }
  | {
      readonly method: 'kubernetes';
      readonly mount: string;
      readonly role: string;
      readonly jwt: () => string | undefined;
    };

/** Where Vault is and who asks, in the words of its own command line. */
export interface VaultSettings {
  /** Without a slash at the end. */
  readonly address: string;
  readonly namespace: string | undefined;
  readonly timeoutMs: number;
  readonly tls: VaultTls;
  readonly login: VaultLogin;
}

export interface VaultTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

const DEFAULT_TIMEOUT_MS = 20_000;
const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const METHODS = ['token', 'approle', 'kubernetes'] as const;

/**
 * The settings of Vault in the environment: those of its own tools (VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE,
 * VAULT_CACERT, …), and for the login of a machine VAULT_AUTH_METHOD, VAULT_AUTH_MOUNT, VAULT_ROLE_ID with
 * VAULT_SECRET_ID, VAULT_ROLE. Files are read again whenever they are needed. Throws SECRET_STORE_UNSET.
 */
export function vaultSettings(env: Environment): VaultSettings {
  const address = env['VAULT_ADDR']?.replace(/\/+$/, '') ?? '';
  if (!/^https?:\/\/[^/\s]/.test(address))
    throw unset('VAULT_ADDR', 'an address such as https://vault.example.com:8200');
  const seconds = /^(\d+)s?$/.exec(env['VAULT_CLIENT_TIMEOUT'] ?? '')?.[1];
  return {
    address,
    namespace: given(env, 'VAULT_NAMESPACE'),
    timeoutMs: seconds === undefined ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1000,
    tls: tlsOf(env),
    login: loginOf(env),
  };
}

function tlsOf(env: Environment): VaultTls {
  const content = (name: string) => {
    const file = given(env, name);
    return file === undefined ? undefined : required(file, name);
  };
  const ca = given(env, 'VAULT_CACERT_BYTES') ?? content('VAULT_CACERT');
  const [cert, key] = [content('VAULT_CLIENT_CERT'), content('VAULT_CLIENT_KEY')];
  const servername = given(env, 'VAULT_TLS_SERVER_NAME');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(/^(1|t|true)$/i.test(env['VAULT_SKIP_VERIFY'] ?? '') ? { rejectUnauthorized: false } : {}),
  };
}

function loginOf(env: Environment): VaultLogin {
  const method = given(env, 'VAULT_AUTH_METHOD') ?? usualMethod(env);
  const mount = (given(env, 'VAULT_AUTH_MOUNT') ?? method).replace(/^(auth\/)?\/*|\/+$/g, '');
  switch (method) {
    case 'token':
      return { method, token: () => given(env, 'VAULT_TOKEN') ?? fileOf(tokenFile(env)) };
    case 'approle': {
      const roleId = given(env, 'VAULT_ROLE_ID');
      if (roleId === undefined) throw unset('VAULT_ROLE_ID', 'the id of the role to log in as');
      const secretId = () => given(env, 'VAULT_SECRET_ID') ?? fileOf(given(env, 'VAULT_SECRET_ID_FILE'));
      return { method, mount, roleId, secretId };
    }
    case 'kubernetes': {
      const role = given(env, 'VAULT_ROLE');
      if (role === undefined) throw unset('VAULT_ROLE', 'the role to log in as');
      return { method, mount, role, jwt: () => fileOf(given(env, 'VAULT_JWT_FILE') ?? SERVICE_ACCOUNT_TOKEN) };
    }
    default:
      throw unset('a VAULT_AUTH_METHOD that is none of these', METHODS.join(', '));
  }
}

/** The method whose settings are there. */
function usualMethod(env: Environment): (typeof METHODS)[number] {
  if (given(env, 'VAULT_TOKEN') !== undefined) return 'token';
  if (given(env, 'VAULT_ROLE_ID') !== undefined) return 'approle';
  return given(env, 'VAULT_ROLE') === undefined ? 'token' : 'kubernetes';
}

/** Where `vault login` and Vault's agent leave a token. */
function tokenFile(env: Environment): string {
  return given(env, 'VAULT_TOKEN_FILE') ?? path.join(given(env, 'HOME') ?? os.homedir(), '.vault-token');
}

/** As in a shell, an empty variable is as good as none. */
function given(env: Environment, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}

function fileOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

function required(file: string, variable: string): string {
  const content = fileOf(file);
  if (content === undefined) throw unset(`${variable} with a file that cannot be read`, 'a file in PEM format');
  return content;
}

function unset(what: string, expected: string) {
  return fail('SECRET_STORE_UNSET', {
    received: /^[A-Z_]+$/.test(what) ? `no usable ${what} in the environment of this process` : what,
    expected: `${expected}, to read secrets of Vault`,
    next: 'set it where the job runs',
  });
}
