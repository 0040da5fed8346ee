// Renews a lease until the runner is gone. Nothing else may keep the users of a job that is dead.
import { readFileSync } from 'node:fs';
import { Lease } from '../../../adapters/playwright/src/lease.js';
import { farm } from './inputs.js';

const { lease, ttl, runner } = JSON.parse(process.env.USERFARM_RENEW!) as { lease: string; ttl: number; runner: number };
const began = startOf(runner);

const lost = new AbortController();
lost.signal.addEventListener('abort', () => process.exit(1));
new Lease(farm(), { lease_id: lease }, ttl, lost, performance.now() - (ttl * 1000) / 3); // renews at once: the acquire is some time ago

setInterval(() => {
  if (startOf(runner) !== began) process.exit(0);
}, 500);

/** When a process began, as Linux says it, so that another one with its id is not taken for it; elsewhere, whether there is one. */
function startOf(id: number): string {
  try {
    process.kill(id, 0);
    if (process.platform !== 'linux') return 'alive';
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return fields[0] === 'Z' ? 'gone' : fields[19]!;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : 'gone';
  }
}
