/**
 * The controller lets a follower that was taken out wait before it rejoins, longer each time, and counts the demotions and
 * the undone handovers of the last ten minutes in the history. Between two scenarios that would be a minute each, so the bed
 * removes those lines of the history: each scenario begins as if nothing had happened before. Nothing else is changed.
 */
import { Client, types } from 'cassandra-driver';
import type { InstanceAddresses } from '../../examples/hospital/demo/instances.ts';
import { connectToHospital, HOSPITAL_DATABASE } from '../../examples/hospital/mysql-connection.ts';

const FORGOTTEN = new Set(['to leaving', 'from joining to syncing', 'from handing_over to in_sync']);

/** Whether the controller would count this transition. */
export function isCounted(from: string, to: string): boolean {
  return FORGOTTEN.has(`to ${to}`) || FORGOTTEN.has(`from ${from} to ${to}`);
}

/** Removes them from the histories in both stores. */
export async function forgetDemotions({ mysql, cassandra }: InstanceAddresses): Promise<void> {
  const connection = await connectToHospital(mysql, HOSPITAL_DATABASE);
  try {
    await connection.query(
      `DELETE FROM crossfade.crossfade_history WHERE to_state = 'leaving'
        OR (from_state = 'joining' AND to_state = 'syncing') OR (from_state = 'handing_over' AND to_state = 'in_sync')`,
    );
  } finally {
    await connection.end();
  }
  const client = new Client({
    contactPoints: [...cassandra.contactPoints],
    localDataCenter: cassandra.localDataCenter,
    protocolOptions: { port: cassandra.port },
    queryOptions: { consistency: types.consistencies.quorum },
  });
  try {
    const { rows } = await client.execute('SELECT * FROM crossfade.crossfade_control');
    for (const { scope, kind, resource, generation, from_state: from, state } of rows) {
      if (kind !== 'transition' || !isCounted(String(from), String(state))) continue;
      const key = 'scope = ? AND kind = ? AND resource = ? AND generation = ?';
      const values = [scope, kind, resource, generation];
      await client.execute(`DELETE FROM crossfade.crossfade_control WHERE ${key}`, values, { prepare: true });
    }
  } finally {
    await client.shutdown();
  }
}
