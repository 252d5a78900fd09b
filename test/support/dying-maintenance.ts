/**
 * A process that maintains `shop.numbers` of a lake and kills itself with SIGKILL at a named moment, as a power cut
 * would. Arguments: warehouse folder, moment, which time it is reached (from 1), run id, wanted size
 * of data files in bytes.
 */
import { LocalStorage, localUri } from '../../connectors/storage/local.ts';
import { maintainAll, maintained } from './maintenance.ts';

const [folder = '', point = '', time = '1', runId = '', targetFileBytes = ''] = process.argv.slice(2);
let times = 0;

const lake = { storage: new LocalStorage(), warehouse: localUri(folder) };
await using table = await maintained(lake, 'numbers', {
  runId,
  reached: (at) => {
    times += at === point ? 1 : 0;
    if (at === point && times === Number(time)) process.kill(process.pid, 'SIGKILL');
  },
});
await maintainAll(table, { targetFileBytes: Number(targetFileBytes) });
process.stdout.write('done');
