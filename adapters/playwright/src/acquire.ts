import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Farm } from './farm.js';
import { isOver } from './lease.js';
import type { components } from './openapi.js';
import { FarmError } from './problem.js';
import { Waiting } from './waiting.js';

type Schemas = components['schemas'];

/** How many seconds the farm is asked to wait at once. It can't see that a worker has gone, and would give it accounts. */
const askFor = 5;

/** How many seconds an acquire may take longer than its wait. */
const spare = 30;

/** A lease, and when the farm was asked for it, as `performance.now()` said it. */
export interface Acquired {
  lease: Schemas['Lease'];
  since: number;
}

/**
 * Waits in line for accounts, for `wait` seconds, and keeps its place. `say` gets a line for people that tells why it takes long. The
 * acquire leaves the line after `ended` is aborted, within the time for which it has asked the farm.
 */
export async function acquire(
  farm: Farm, request: Schemas['AcquireRequest'], wait: number, ended: AbortSignal, say: (line: string) => void,
): Promise<Acquired> {
  let key = randomUUID();
  const deadline = performance.now() + wait * 1000;
  const tooLong = AbortSignal.timeout(Math.ceil((wait + spare) * 1000));
  const waiting = new Waiting(farm, request, say);
  try {
    for (let seconds = 0; ; ) {
      const asked = performance.now();
      try {
        return await fresh(farm, await farm.acquire({ ...request, wait_seconds: seconds }, key, tooLong), request.ttl_seconds!, asked);
      } catch (error) {
        if (isOver(error) && !tooLong.aborted) { // its answer was lost, and it ended unused
          key = randomUUID();
          continue;
        }
        if (!(error instanceof FarmError) || !error.mayPass || ended.aborted || performance.now() >= deadline) throw error;
        waiting.refused(error.problem!);
        // The farm kept the acquire in line for as long as it could, so a pause would only let others pass. But if it answered
        // earlier, it would do so again.
        if (seconds > 0 && performance.now() - asked < (seconds - 1) * 1000) await sleep(Math.max(error.retryAfter, 1) * 1000);
        seconds = Math.min(Math.max(Math.ceil((deadline - performance.now()) / 1000), 1), askFor);
      }
    }
  } finally {
    waiting.end();
  }
}

/** Renews a lease that may be old: it can have been granted as soon as the farm was asked, and an answer can have been lost. */
async function fresh(farm: Farm, lease: Schemas['Lease'], ttl: number, asked: number): Promise<Acquired> {
  const now = performance.now();
  if (now - asked < (ttl * 1000) / 3) return { lease, since: asked };
  await farm.renew(lease.lease_id, ttl, AbortSignal.timeout(ttl * 1000));
  return { lease, since: now };
}
