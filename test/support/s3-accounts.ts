import { execFileSync } from 'node:child_process';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { S3Credentials } from '../../connectors/storage/s3-client.ts';
import { s3Client } from '../../connectors/storage/s3-client.ts';
import { goBinary } from './go-binary.ts';
import type { S3Server } from './s3.ts';
import { VERSITYGW } from './versitygw.ts';

/** What somebody may do with the objects below a folder of a bucket: everything. */
export interface Grant {
  readonly who: readonly string[];
  /** Key of the folder, with a slash at its end. */
  readonly folder: string;
  /** Names of objects can only be listed in the whole bucket. */
  readonly lists: boolean;
}

/** Keys beside the owner's, each with its own rights, of a server that was started with accounts. */
export class S3Accounts {
  readonly #server: S3Server;
  readonly #binary: string;

  private constructor(server: S3Server, binary: string) {
    this.#server = server;
    this.#binary = binary;
  }

  static async of(server: S3Server): Promise<S3Accounts> {
    return new S3Accounts(server, await goBinary(VERSITYGW));
  }

  create(accessKeyId: string, secretAccessKey = `secret-of-${accessKeyId}`): S3Credentials {
    this.#admin('create-user', '--access', accessKeyId, '--secret', secretAccessKey, '--role', 'user');
    return { accessKeyId, secretAccessKey };
  }

  /** From when it returns nothing that is signed with these keys is answered. */
  remove(accessKeyId: string): void {
    this.#admin('delete-user', '--access', accessKeyId);
  }

  /** These rights and no others. */
  async allow(bucket: string, grants: readonly Grant[]): Promise<void> {
    const arn = `arn:aws:s3:::${bucket}`;
    const statements = grants.map(({ who, folder, lists }) => ({
      Effect: 'Allow',
      Principal: { AWS: who },
      Action: 's3:*',
      Resource: [`${arn}/${folder}*`, ...(lists ? [arn] : [])],
    }));
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
    await s3Client(this.#server.settings).send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }

  #admin(...args: readonly string[]): void {
    const { accessKeyId, secretAccessKey, endpoint } = this.#server;
    const owner = ['--access', accessKeyId, '--secret', secretAccessKey, '--endpoint-url', endpoint];
    execFileSync(this.#binary, ['admin', ...owner, ...args], { stdio: 'ignore' });
  }
}
