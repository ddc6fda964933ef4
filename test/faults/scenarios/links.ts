import { setTimeout as sleep } from 'node:timers/promises';
import { bar, sum } from '../../../examples/hospital/demo/report.ts';
import type { Bed } from '../bed.ts';
import { epochs, moveAuthority, type StoreName, titleOf, untilHealed } from '../moves.ts';
import { type Scenario, type ScenarioContext, stageOf } from '../scenario.ts';
import { openProxy, type TcpProxy } from '../tcp-proxy.ts';
import type { Allowance } from '../verdict.ts';

/** The instance whose links are harmed; the other one is 0. */
const SIDE = 1;
const CUT_MS = 3_000;
const SLOW_MS = 6_000;
/** Each way: a round trip of a fifth of a second. */
const DELAY_MS = 100;
/** Until what began in the harm has ended: the deadline of a call. */
const AFTERWARDS_MS = 5_000;

type Links = Readonly<Record<StoreName, TcpProxy>>;

const ALL = ['Unavailable', 'Unknown', 'DeadlineExceeded'];

/** One instance's links to the stores are cut and slowed. */
export const links: Scenario = {
  name: 'links',
  title: 'the links of one instance to MySQL and to Cassandra, cut for 3 s, then 100 ms slower each way, in each epoch',
  nodes: 1,
  run: async (context) => {
    const { bed, traffic } = context;
    await moveAuthority(bed, 'source');
    const proxies = await openLinks(bed);
    await traffic.beginStage('instance replaced');
    try {
      await bed.replaceInstance(SIDE, { addresses: addressesThrough(bed, proxies) });
      for (const epoch of epochs) {
        await traffic.beginStage(`${epoch}: moving`);
        await moveAuthority(bed, epoch);
        for (const store of epochs) await harm(context, { epoch, store, proxy: proxies[store] });
      }
    } finally {
      await traffic.beginStage('instance replaced again');
      await bed.replaceInstance(SIDE, {});
      for (const proxy of Object.values(proxies)) await proxy.close();
    }
    const failing = epochs.flatMap((epoch) => [stageName(epoch, epoch, 'cut'), stageName(epoch, epoch, 'mended')]);
    const allowances: Allowance[] = [
      {
        stages: ['instance replaced', 'instance replaced again'],
        side: SIDE,
        writes: [...ALL, 'Aborted'],
        reads: [...ALL, 'Aborted'],
      },
      // It can't reach the authority: its writes fail, and its reads after one lease.
      { stages: failing, side: SIDE, writes: ALL, reads: ALL },
    ];
    return { allowances, judge };
  },
};

async function openLinks({ addresses }: Bed): Promise<Links> {
  const { mysql, cassandra } = addresses;
  const [host = '127.0.0.1'] = cassandra.contactPoints;
  return {
    source: await openProxy({ host: mysql.host, port: mysql.port }),
    target: await openProxy({ host, port: cassandra.port }),
  };
}

function addressesThrough({ addresses }: Bed, { source, target }: Links): Bed['addresses'] {
  return {
    ...addresses,
    mysql: { ...addresses.mysql, host: '127.0.0.1', port: source.port },
    cassandra: { ...addresses.cassandra, contactPoints: ['127.0.0.1'], port: target.port },
  };
}

type Part = 'cut' | 'mended' | 'slow';

function stageName(epoch: StoreName, store: StoreName, part: Part): string {
  return `${epoch}: link to ${titleOf(store)} ${part}`;
}

interface Harmed {
  readonly epoch: StoreName;
  readonly store: StoreName;
  readonly proxy: TcpProxy;
}

async function harm({ bed, traffic }: ScenarioContext, { epoch, store, proxy }: Harmed): Promise<void> {
  const { signal, terminal } = bed;
  terminal.say(`  ${stageName(epoch, store, 'cut')}`);
  await traffic.beginStage(stageName(epoch, store, 'cut'));
  await proxy.cut();
  await sleep(CUT_MS, undefined, { signal });
  await traffic.beginStage(stageName(epoch, store, 'mended'));
  await proxy.mend();
  await untilHealed(bed);
  await sleep(AFTERWARDS_MS, undefined, { signal });
  await traffic.beginStage(stageName(epoch, store, 'slow'));
  proxy.slow(DELAY_MS);
  await sleep(SLOW_MS, undefined, { signal });
  await proxy.mend();
  await untilHealed(bed);
}

function judge(stages: Parameters<typeof stageOf>[0]) {
  const figures: Record<string, object> = {};
  let failed = 0;
  for (const epoch of epochs) {
    for (const store of epochs) {
      for (const part of ['cut', 'mended', 'slow'] as const) {
        const name = stageName(epoch, store, part);
        const [other, harmed] = stageOf(stages, name).sides;
        const failures = sum(other.failedWrites) + sum(other.failedReads);
        failed += failures;
        figures[name] = {
          other: {
            writes: other.writes,
            p99Ms: Math.round(other.writeMs.p99),
            longestMs: other.longestWriteMs,
            failures,
          },
          harmed: {
            writes: harmed.writes,
            p99Ms: Math.round(harmed.writeMs.p99),
            longestMs: harmed.longestWriteMs,
            failures: sum(harmed.failedWrites) + sum(harmed.failedReads),
          },
        };
      }
    }
  }
  return { figures, bars: [bar('failed requests through the other instance', failed === 0, String(failed))] };
}
