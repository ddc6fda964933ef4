import { createMemoryWriteAheadLog } from '../../src/stores/memory/write-ahead-log.ts';
import { describeWriteAheadLog } from './write-ahead-log-contract.ts';

// One object serves all instances.
describeWriteAheadLog('the write-ahead log in memory', async () => ({
  open: (clock) => createMemoryWriteAheadLog({ clock }),
  close: async () => {},
}));
