// What the user of the fixtures sees when something goes wrong.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Farm } from './farm.js';
import { run, start } from './run_playwright.js';
import { Site } from './site.js';
import { totpOf } from './totp.js';

let farm: Farm;
let site: Site;

before(async () => {
  farm = await Farm.start();
  site = await Site.start();
  await farm.add({ login: 'ann', totp_secret: totpOf('ann') });
});

after(async () => {
  await farm[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

beforeEach(() => site.reset());

const only = (title: string) => ['disturbed.spec.ts', '-g', title];

test('a worker that is killed leaves only the time to live', async () => {
  const killed = start(farm, site, only('killed'), { TTL: '3' });
  await site.reached('killed by ann');
  site.go('killed by ann');
  const { code, output } = await killed.ended;
  assert.equal(code, 1, output);
  assert.equal((await farm.user('ann')).status, 'locked');
  await sleep(3000);
  assert.equal((await farm.user('ann')).status, 'free');
});

test('a farm that is killed and started again disturbs no test', async () => {
  const running = start(farm, site, only('goes on'), { TTL: '6' });
  await site.reached('in the middle');
  await farm.kill();
  await sleep(2500); // a renewal fails
  await farm.start();
  await sleep(2500);
  site.go('in the middle');
  const { code, output } = await running.ended;
  assert.equal(code, 0, output);
  assert.equal((await farm.user('ann')).status, 'free');
});

for (const [what, signal] of [['is interrupted', 'SIGINT'], ['is terminated', 'SIGTERM']] as const) {
  test(`a run that ${what} releases its accounts`, async () => {
    const running = start(farm, site, only('never ends'));
    await site.reached('in the middle');
    running.process.kill(signal);
    await running.ended;
    site.go('in the middle');
    for (let i = 0; i < 50 && (await farm.user('ann')).status !== 'free'; i++) await sleep(100); // SIGTERM leaves workers behind for a moment
    assert.equal((await farm.user('ann')).status, 'free');
  });
}

test('a full pool says who has the account', async t => {
  const want = { users: [{ env: 'stage' }], owner: 'ci-42/worker-7', note: 'checkout › pays', ttl_seconds: 60 };
  const { lease_id: lease } = await farm.call<{ lease_id: string }>('POST', '/leases', want);

  await t.test('when nobody gets it in time', async () => {
    const { code, output } = await run(farm, site, only('takes what it gets'), { WAIT: '1' });
    assert.equal(code, 1);
    assert.match(output, /FarmError: userfarm: acquire: no matching user is free:\n +ann is held by ci-42\/worker-7 until \d\d:\d\d:\d\d \(checkout › pays\)\n( +waiting in line: 1\n)? +wait longer/);
  });

  await t.test('while it waits, longer than a test may take', async () => {
    const running = start(farm, site, [...only('takes what it gets'), '--timeout', '1500']);
    while ((await farm.call<{ total: number }>('GET', '/line')).total === 0) await sleep(50);
    await sleep(4000);
    await farm.call('POST', `/leases/${lease}/release`);
    const { code, output } = await running.ended;
    assert.equal(code, 0, output);
    assert.match(output, /userfarm: waiting since \d\d:\d\d:\d\d, place 1 in line: ann is held by ci-42\/worker-7 until/);
  });
});

test('a run that is interrupted while it waits takes no account', async () => {
  const want = { users: [{ env: 'stage' }], owner: 'ci-42/worker-7', ttl_seconds: 60 };
  const { lease_id: lease } = await farm.call<{ lease_id: string }>('POST', '/leases', want);
  const running = start(farm, site, only('takes what it gets'));
  while ((await farm.call<{ total: number }>('GET', '/line')).total === 0) await sleep(50);
  running.process.kill('SIGINT');
  await sleep(500);
  await farm.call('POST', `/leases/${lease}/release`);
  await running.ended;
  assert.equal((await farm.user('ann')).status, 'free');
});

test('a farm that does not answer is named', async () => {
  const { code, output } = await run(farm, site, only('takes what it gets'), { USERFARM_URL: 'http://127.0.0.1:59999' });
  assert.equal(code, 1);
  assert.match(output, /the farm does not answer: connect ECONNREFUSED 127\.0\.0\.1:59999; is http:\/\/127\.0\.0\.1:59999 the right address\?/);
});
