// What becomes of a test that loses its account.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Farm } from './farm.js';
import { start } from './run_playwright.js';
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

test('a test whose account is taken away ends at once, and says why', async () => {
  const running = start(farm, site, only('clicks for a long time'), { TTL: '3' });
  await site.reached('in the middle of ann');
  site.go('in the middle of ann');
  await farm.call('POST', `/users/${(await farm.user('ann')).user_id}/force-release`, { reason: 'the admin needs it' });
  const began = Date.now();
  const { code, output } = await running.ended;
  assert.equal(code, 1);
  assert.ok(Date.now() - began < 10_000, 'it runs into its timeout');
  assert.match(output, /LeaseLostError: userfarm: the lease is lost, so another test may have used the account: renew: The lease was ended by force/);
  assert.match(output, /locator\.click: .*the lease is lost/);
});

test('a test that does not use the browser fails, too', async () => {
  const running = start(farm, site, only('does not notice'), { TTL: '60' });
  await site.reached('in the middle');
  await farm.call('POST', `/users/${(await farm.user('ann')).user_id}/force-release`, { reason: 'the admin needs it' });
  site.go('in the middle');
  const { code, output } = await running.ended;
  assert.equal(code, 1);
  assert.match(output, /the lease is lost, so another test may have used the account: release: The lease was ended by force/);
});

test('a farm that hangs ends the test before the lease ends', async () => {
  const running = start(farm, site, only('stops by itself'), { TTL: '4' });
  await site.reached('in the middle');
  farm.hang();
  site.go('in the middle');
  await site.reached('stopped');
  farm.goOn();
  site.go('stopped');
  const { code, output } = await running.ended;
  assert.equal(code, 1);
  assert.match(output, /LeaseLostError: userfarm: the lease is lost, so another test may have used the account: renew: the farm does not answer: /);
});

test('all pages of a test that has lost its accounts are closed', async () => {
  const running = start(farm, site, only('has a page of its own'), { TTL: '3' });
  await site.reached('in the middle');
  await farm.call('POST', `/users/${(await farm.user('ann')).user_id}/force-release`, { reason: 'the admin needs it' });
  site.go('in the middle');
  const { code, output } = await running.ended;
  assert.equal(code, 1);
  assert.match(output, /locator\.click: .*the lease is lost/);
  assert.match(output, /1 failed/);
});

test('the account of a worker that is taken away fails the test that runs', async () => {
  const running = start(farm, site, only('takes it for the worker'), { TTL: '3' });
  await site.reached('in the middle');
  await farm.call('POST', `/users/${(await farm.user('ann')).user_id}/force-release`, { reason: 'the admin needs it' });
  await sleep(1500);
  site.go('in the middle');
  const { code, output } = await running.ended;
  assert.equal(code, 1);
  assert.match(output, /1 failed/);
  assert.match(output, /the lease is lost/);
});
