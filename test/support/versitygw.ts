import type { GoBinary } from './go-binary.ts';

/** An S3 server over a local folder that checks signatures, checksums and conditions as AWS does. */
export const VERSITYGW: GoBinary = {
  name: 'versitygw',
  module: 'github.com/versity/versitygw/cmd/versitygw',
  version: 'v1.8.0',
};
