import type { CommandDefinition } from '../command.ts';
import { printJson } from '../command.ts';
import { EXIT } from '../exit-code.ts';

export const schemaCommand: CommandDefinition = {
  name: 'schema',
  summary: 'print the JSON Schema of job files, for editors',
  examples: ['dativo schema > job.schema.json'],
  declare: () => {},
  async run(context) {
    const { jobJsonSchema } = await import('../../config/json-schema.ts');
    printJson(context, jobJsonSchema());
    return EXIT.success;
  },
};
