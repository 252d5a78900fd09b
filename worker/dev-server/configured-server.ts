import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fail } from '../../contracts/errors.ts';

/** How to reach a Temporal server; fits the connection options of the client and of the worker alike. */
export interface ServerConnection {
  readonly address: string;
  readonly apiKey?: string;
  readonly tls?: boolean | TlsOptions;
  readonly metadata?: Record<string, string>;
}

export interface TlsOptions {
  readonly serverNameOverride?: string;
  readonly serverRootCACertificate?: Buffer;
  readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
}

export interface ConfiguredServer {
  readonly connection: ServerConnection;
  readonly namespace: string;
}

/**
 * The server that the user configured: `TEMPORAL_ADDRESS`, or a profile of Temporal's own TOML file
 * (`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`). Undefined when neither names an address.
 * Throws USAGE when the profile or the file cannot be used.
 */
export async function configuredServer(env: NodeJS.ProcessEnv): Promise<ConfiguredServer | undefined> {
  // Most users configure nothing, and reading profiles loads a good part of the SDK: look before loading.
  if (!env['TEMPORAL_ADDRESS'] && !env['TEMPORAL_PROFILE'] && !existsSync(profileFile(env))) return undefined;
  const { loadClientConfigProfile, toClientOptions } = await import('@temporalio/envconfig');
  const variables = Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  const profile = usable(env, () => loadClientConfigProfile({ overrideEnvVars: variables }));
  requirePair(profile.tls);
  const { connectionOptions, namespace } = usable(env, () => toClientOptions(profile));
  const { address, apiKey, tls, metadata } = connectionOptions;
  if (!address) return undefined;
  return {
    namespace: namespace ?? 'default',
    connection: {
      address,
      ...(typeof apiKey === 'string' ? { apiKey } : {}),
      ...(typeof tls === 'boolean' ? { tls } : tls ? { tls: tlsOptions(tls) } : {}),
      ...(metadata && Object.keys(metadata).length > 0 ? { metadata: textOnly(metadata) } : {}),
    },
  };
}

/** Loads a part of the configuration. The SDK's message may quote the file, which holds keys: it is not passed on. */
function usable<T>(env: NodeJS.ProcessEnv, load: () => T): T {
  try {
    return load();
  } catch {
    const profile = env['TEMPORAL_PROFILE'];
    throw fail('USAGE', {
      received: profile ? `TEMPORAL_PROFILE=${profile}` : `Temporal's configuration in ${profileFile(env)}`,
      expected: 'a readable profile of that name with an address, and readable certificate files',
      next: 'correct the file, or set TEMPORAL_ADDRESS, or unset both to use the built-in dev server',
    });
  }
}

/** The SDK leaves a certificate without its key out, and the server would only say that one is missing. */
function requirePair(tls: { readonly clientCert?: unknown; readonly clientKey?: unknown } | undefined): void {
  if ((tls?.clientCert === undefined) === (tls?.clientKey === undefined)) return;
  const [has, lacks] = tls?.clientCert === undefined ? ['key', 'certificate'] : ['certificate', 'key'];
  throw fail('USAGE', {
    received: `a client ${has} without its ${lacks}`,
    expected: 'both, or none',
    next: 'set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or both in the profile',
  });
}

/** Where Temporal's own tools keep their profiles. */
function profileFile(env: NodeJS.ProcessEnv): string {
  const configured = env['TEMPORAL_CONFIG_FILE'];
  if (configured) return configured;
  const home = env['HOME'] ?? os.homedir();
  const folder =
    process.platform === 'darwin'
      ? path.join(home, 'Library', 'Application Support')
      : (env['XDG_CONFIG_HOME'] ?? path.join(home, '.config'));
  return path.join(folder, 'temporalio', 'temporal.toml');
}

interface SdkTls {
  readonly serverNameOverride?: string | null;
  readonly serverRootCACertificate?: Uint8Array | null;
  readonly clientCertPair?: { readonly crt: Uint8Array; readonly key: Uint8Array } | null;
}

function tlsOptions({ serverNameOverride, serverRootCACertificate, clientCertPair }: SdkTls): TlsOptions {
  return {
    ...(serverNameOverride ? { serverNameOverride } : {}),
    ...(serverRootCACertificate ? { serverRootCACertificate: Buffer.from(serverRootCACertificate) } : {}),
    ...(clientCertPair
      ? { clientCertPair: { crt: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) } }
      : {}),
  };
}

function textOnly(metadata: Record<string, string | Buffer>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
