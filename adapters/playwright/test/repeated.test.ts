// Tests that Playwright runs many times.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Farm } from './farm.js';
import { run } from './run_playwright.js';
import { Site } from './site.js';
import { totpOf } from './totp.js';

test('--repeat-each, with more workers than accounts', async () => {
  await using farm = await Farm.start();
  await using site = await Site.start();
  for (const login of ['ann', 'bob']) await farm.add({ login, totp_secret: totpOf(login) });
  const { code, output } = await run(farm, site, ['shop.spec.ts', '-g', 'test [12]$', '--repeat-each', '4', '--workers', '3']);
  assert.equal(code, 0, output);
  assert.equal(site.tests.length, 8);
  assert.equal(new Set(site.tests).size, 8, 'each repetition is a test of its own');
  assert.deepEqual(site.overlaps, []);
  assert.deepEqual(site.logins.toSorted(), ['ann', 'bob']);
});

test('a serial suite that is retried starts in a new worker with an account of its own', async () => {
  await using farm = await Farm.start();
  await farm.add({ login: 'ann' });
  const { code, output } = await run(farm, undefined, ['serial.spec.ts', '--retries', '1', '--reporter', 'list'], { WAIT: '5' });
  assert.equal(code, 0, output);
  assert.match(output, /1 flaky/);
  const acquired = (await farm.acquired()).map(({ owner, login }) => `${owner} ${login}`);
  assert.deepEqual(acquired.toSorted(), ['ci-4711/worker-0 ann', 'ci-4711/worker-1 ann']);
  assert.equal((await farm.user('ann')).status, 'free');
});
