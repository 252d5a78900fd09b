import { z } from 'zod';
import { filledText } from './job-fields.ts';

/** `target.storage` and `source.storage`: how an object store is reached. Iceberg tools call the same `s3.endpoint` … */
export const storageSchema = z.strictObject({
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^/\s]+\/?$/, { error: 'an address such as https://minio.example.com:9000' })
    .optional()
    .describe('Address of an S3 store other than AWS, with its scheme and port. Default: AWS, or AWS_ENDPOINT_URL.'),
  region: filledText()
    .optional()
    .describe('Region of the bucket. Default: AWS_REGION or the AWS profile; us-east-1 with an endpoint.'),
  path_style: z
    .boolean()
    .optional()
    .describe(
      'Whether the bucket is named in the path (https://host/bucket/key) rather than in the host name. Default: true ' +
        'with an endpoint, false without.',
    ),
  access_key_id: filledText()
    .optional()
    .describe(
      "Access key id. Default: as AWS's tools find one (environment, profile, role of the machine or of the pod).",
    ),
  secret_access_key: filledText()
    .optional()
    .describe(
      'Secret access key that belongs to it. A secret: write ${VARIABLE}, ${file:path}, ${vault:path#key} or ${aws:name#key}.',
    ),
  session_token: filledText()
    .optional()
    .describe(
      'Token of temporary access keys. A secret: write ${VARIABLE}, ${file:path}, ${vault:path#key} or ${aws:name#key}.',
    ),
});

/** `storage` with its variables resolved: holds secrets, so neither stored nor shown. */
export type StorageSpec = z.output<typeof storageSchema>;
