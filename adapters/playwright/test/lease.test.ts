// How long a lease may be used, by the clock of the test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquire } from '../dist/acquire.js';
import type { Farm } from '../dist/farm.js';
import { Lease } from '../dist/lease.js';
import { FarmError } from '../dist/problem.js';

const never = new AbortController().signal;

/** A farm whose answers to acquire take some time, and that counts renewals. */
function slowFarm(answerAfter: number, renew: () => Promise<unknown> = () => Promise.resolve()) {
  const farm = {
    keys: [] as string[],
    renewals: 0,
    async acquire(_: unknown, key: string) {
      farm.keys.push(key);
      await sleep(answerAfter);
      return { lease_id: 'lease', users: [] };
    },
    async renew() {
      farm.renewals++;
      await renew();
    },
  };
  return farm;
}

const over = new FarmError('renew', 'it is over', { code: 'lease_expired' } as FarmError['problem']);

test('a lease counts from before the request', async () => {
  const farm = slowFarm(50);
  const asked = performance.now();
  const { since } = await acquire(farm as unknown as Farm, { users: [{}], ttl_seconds: 60 }, 1, never, () => undefined);
  assert.ok(since - asked < 50, 'the time of the answer does not count');
  assert.equal(farm.renewals, 0);
});

test('a lease whose answer was late is renewed at once', async () => {
  const farm = slowFarm(50);
  const asked = performance.now();
  const { since } = await acquire(farm as unknown as Farm, { users: [{}], ttl_seconds: 0.1 }, 1, never, () => undefined);
  assert.ok(since - asked >= 49, 'the renewal counts');
  assert.equal(farm.renewals, 1);
});

test('a lease that was over when its answer came is acquired anew', async () => {
  const farm = slowFarm(50, () => (farm.renewals === 1 ? Promise.reject(over) : Promise.resolve()));
  await acquire(farm as unknown as Farm, { users: [{}], ttl_seconds: 0.1 }, 1, never, () => undefined);
  assert.equal(new Set(farm.keys).size, 2, 'with a new key');
});

test('a lease that can not be renewed is lost before it ends', async () => {
  const hangs = { renew: (_: string, __: number, signal: AbortSignal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('too late')))) };
  const lost = new AbortController();
  const lease = new Lease(hangs as unknown as Farm, { lease_id: 'lease' }, 1000, lost, performance.now() - 899_900);
  lease.check();
  for (let i = 0; i < 500 && !lost.signal.aborted; i++) await sleep(10);
  assert.throws(() => lease.check(), { name: 'LeaseLostError', message: /the lease is lost, .*too late/ });
  await assert.rejects(lease.giveCode('ann', {}), { name: 'LeaseLostError' });
});

test('a call that finds out that the lease is over says that it is lost', async () => {
  const farm = { renew: () => new Promise(() => undefined), dropSession: () => Promise.reject(over) };
  const lost = new AbortController();
  const lease = new Lease(farm as unknown as Farm, { lease_id: 'lease' }, 60, lost, performance.now());
  await assert.rejects(lease.dropSession('ann'), { name: 'LeaseLostError' });
  assert.ok(lost.signal.aborted);
});
