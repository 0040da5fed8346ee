// The fixtures one by one; each test here looks at tests of suites/fixtures.spec.ts, which run once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Farm } from './farm.js';
import { run, type Run } from './run_playwright.js';
import { Site } from './site.js';
import { totpOf } from './totp.js';

let farm: Farm;
let site: Site;
let ran: Run;

before(async () => {
  farm = await Farm.start();
  site = await Site.start();
  for (const [login, role] of [['ann'], ['bob'], ['sam', 'seller'], ['bea', 'buyer'], ['vic', 'victim'], ['fay', 'forgetful'], ['lou', 'local']] as const) {
    await farm.add({ login, totp_secret: totpOf(login), ...(role ? { labels: { role }, env: role === 'buyer' || role === 'seller' ? 'stage' : 'lab' } : {}) });
  }
  ran = await run(farm, site, ['fixtures.spec.ts', '--reporter', 'list'], { FORCE_COLOR: '0' });
});

after(async () => {
  await farm[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

test('exactly the tests fail that are to fail', () => {
  const failed = [...ran.output.matchAll(/^ {4}\[?.*fixtures\.spec\.ts:\d+:\d+ › (.*?) ─*$/gm)].map(([, title]) => title!.trim());
  assert.deepEqual([...new Set(failed)].sort(), [
    'a mistake in signIn › fails the test without the password',
    'failures › put the account into quarantine',
    'no match › says what comes closest',
    'retries › get an account of their own',
    'several accounts › are no single account',
    'timeouts › release the account',
  ], ran.output);
  assert.match(ran.output, /5 failed/);
  assert.match(ran.output, /1 flaky/);
});

test('no account is held afterwards', async () => {
  for (const login of ['ann', 'bob', 'sam', 'bea', 'vic', 'fay']) assert.notEqual((await farm.user(login)).status, 'locked', login);
});

test('quarantine', async () => {
  const { users } = await farm.call<{ users: { login: string; quarantine: { reason: string } }[] }>('GET', '/users?status=quarantined');
  const reasons = users.map(({ quarantine }) => quarantine.reason);
  assert.ok(reasons.includes('its cart is full'), reasons.join());
  assert.ok(reasons.includes('fixtures.spec.ts › failures › put the account into quarantine: failed'), reasons.join());
  assert.equal(users.length, 2);
});

test('owners and notes', async () => {
  const events = await farm.acquired();
  assert.ok(events.every(({ owner }) => /^ci-4711\/worker-\d+$/.test(owner)), JSON.stringify(events.map(({ owner }) => owner)));
  const notes = events.map(({ note }) => note);
  assert.ok(notes.includes('fixtures.spec.ts › several accounts › have names and can be signed in'), notes.join());
  assert.ok(notes.includes('fixtures.spec.ts › retries › get an account of their own, retry 1'), notes.join());
});

test('messages', () => {
  assert.match(ran.output, /want names accounts \(seller, buyer\): take accounts instead of account, such as accounts\.seller/);
  assert.match(ran.output, /FarmError: userfarm: acquire: no user matches:\n +\d users that match otherwise have env "stage" or "lab", not "stagin"/);
  assert.match(ran.output, /userfarm: signIn as fay: Timeout 500ms exceeded/);
  assert.doesNotMatch(ran.output, /secret-of-fay/);
});
