// Releases the users of the job, whatever its result is.
import { fail, state } from './commands.js';
import { isOver, LeaseLostError } from '../../../adapters/playwright/src/lease.js';
import { farm } from './inputs.js';

async function post(): Promise<void> {
  const lease = state('lease');
  if (!lease) return; // main got none
  try {
    process.kill(Number(state('renewer')));
  } catch {
    // It has ended, because the lease was lost.
  }
  await farm().release(lease, []).catch((error: unknown) => {
    throw isOver(error) ? new LeaseLostError(error) : error;
  });
}

post().catch(fail);
