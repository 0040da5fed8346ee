// Many tests of a site with a login, a second factor and sessions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Farm } from './farm.js';
import { run } from './run_playwright.js';
import { Site } from './site.js';
import { totpOf } from './totp.js';

test('40 tests, 4 workers, 3 accounts, two shards at once', async t => {
  await using farm = await Farm.start();
  await using site = await Site.start();
  for (const login of ['ann', 'bob', 'eve']) await farm.add({ login, totp_secret: totpOf(login) });

  await t.test('share the accounts without an overlap, and sign in once for each', async () => {
    const shards = await Promise.all(['1/2', '2/2'].map(shard => run(farm, site, ['shop.spec.ts', '--workers', '4', '--shard', shard])));
    for (const { code, output } of shards) assert.equal(code, 0, output);
    assert.equal(site.tests.length, 40);
    assert.deepEqual(site.overlaps, []);
    assert.deepEqual(site.logins.toSorted(), ['ann', 'bob', 'eve']);
    const owners = new Set((await farm.acquired()).map(({ owner }) => owner));
    assert.ok(owners.has('ci-4711/shard-1/worker-0') && owners.has('ci-4711/shard-2/worker-0'), [...owners].join());
  });

  await t.test('a rerun does not sign in', async () => {
    site.reset();
    const { code, output } = await run(farm, site, ['shop.spec.ts', '--workers', '2', '-g', 'test .$']);
    assert.equal(code, 0, output);
    assert.deepEqual(site.logins, []);
  });

  await t.test('a session that the site refuses is replaced', async () => {
    site.reset();
    site.revoke('bob');
    const { code, output } = await run(farm, site, ['shop.spec.ts', '--workers', '2', '-g', 'test .$']);
    assert.equal(code, 0, output);
    assert.deepEqual(site.logins, ['bob']);
    assert.deepEqual(site.overlaps, []);
  });
});
