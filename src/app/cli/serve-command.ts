import { loadConfig } from '../config.ts';
import { startService } from '../service.ts';
import { exitCodes } from './exit-codes.ts';

/** Runs one instance of the service until the signal aborts, then drains it. */
export async function serve(configPath: string, signal: AbortSignal): Promise<number> {
  const service = await startService(await loadConfig(configPath), signal);
  await service.ended;
  return exitCodes.ok;
}
