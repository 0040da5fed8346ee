import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { AxeBuilder } from '@axe-core/playwright';
import { Farm, otherProject, project, thirdProject } from './farm.js';

const patience = { timeout: 15_000 };
let farm, browser;

before(async () => {
  farm = await Farm.start();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
});
after(async () => {
  await browser?.close();
  await farm?.end();
});

/** Opens a browser window. What the browser complains about, such as a breach of the policy, fails the test. A lost farm does not. */
async function open(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', message => {
    if (message.type() === 'error' && !/Failed to load resource|^htmx: htmx:sse:error/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(error.message));
  page.on('request', request => {
    if (!request.url().startsWith(`${farm.url}/`)) complaints.push(`the page asks ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  return page;
}

/** Signs in without a mouse, and waits until the page is live. */
async function signIn(page) {
  await page.goto(farm.url);
  await tabTo(page, 'API key');
  await page.keyboard.type(farm.token);
  await page.keyboard.press('Enter');
  await live(page);
}

const live = page => page.locator('#live-text', { hasText: /^Live$/ }).waitFor(patience);

/** Presses the tab key until the element with the name has the focus, which must be visible. */
async function tabTo(page, name) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      return { name: e.ariaLabel || e.labels?.[0]?.innerText.trim() || e.innerText?.trim(), outline: getComputedStyle(e).outlineStyle };
    });
    if (at.name === name) {
      assert.notEqual(at.outline, 'none', `${name} does not show its focus`);
      return;
    }
  }
  assert.fail(`the tab key does not lead to ${name}`);
}

test('a farm without users shows how to add some, and its form adds one', async t => {
  const page = await open(t);
  await signIn(page);
  await page.getByRole('heading', { name: 'No users yet' }).waitFor(patience);
  await page.getByRole('main').getByRole('link', { name: 'Add a user' }).first().click();
  await page.getByLabel('Project').fill(project);
  await page.getByLabel('Env').fill('stage');
  await page.getByLabel('Domain').fill('regular');
  await page.getByLabel('Login').fill('ann');
  await page.getByLabel('Password').fill('secret-of-ann');
  await page.getByLabel('Labels').fill('role=admin\nplan=free');
  await page.getByLabel('What for').fill('for the checkout');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('The user was added.').waitFor(patience);
  await page.getByRole('heading', { name: /^ann/ }).waitFor(patience);
  await page.getByRole('row', { name: /added.*for the checkout/ }).waitFor(patience);

  await page.getByRole('link', { name: 'Change…' }).click();
  await page.getByLabel('Labels').fill('role=admin');
  await page.getByLabel('What for').fill('the plan has ended');
  await page.getByRole('button', { name: 'Change' }).click();
  await page.getByRole('row', { name: /changed.*labels: the plan has ended/ }).waitFor(patience);
});

test('an acquire appears without a reload, and the focus stays where it is', async t => {
  await farm.call('PUT', `/projects/${project}`, { name: 'Shop' });
  await farm.add('bob');
  await farm.acquire('ann', 'ci-1/worker-1');
  const page = await open(t);
  await signIn(page);
  const row = page.locator('section', { has: page.getByRole('heading', { name: /^Held/ }) });
  const release = row.getByRole('link', { name: 'Release ann by force' });
  await release.focus();
  await page.evaluate(() => { window.untouched = true; });
  await farm.acquire('bob', 'ci-2/worker-2', 'cart.spec.ts');
  await row.getByText('ci-2/worker-2').waitFor(patience);
  await row.getByText('cart.spec.ts').waitFor(patience);
  assert.ok(await page.evaluate(() => window.untouched), 'the page was loaded again');
  assert.ok(await release.evaluate(e => e === document.activeElement), 'the focus was lost');
});

test('an admin releases a user by force, by keyboard, and the history says who and what for', async t => {
  const page = await open(t);
  await signIn(page);
  await tabTo(page, 'Release ann by force');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Release by force' }).waitFor(patience);
  await tabTo(page, 'What for');
  await page.keyboard.press('Enter');
  assert.ok(await page.getByLabel('What for').evaluate(e => e.validity.valueMissing), 'the form was sent, and does not say what for');
  await page.keyboard.type('hangs since noon');
  await page.keyboard.press('Enter');
  await page.getByText('The lock was ended.').waitFor(patience);
  await page.getByRole('cell', { name: 'hangs since noon' }).waitFor(patience);
  const { events } = await farm.call('GET', '/events?order=desc&limit=1');
  assert.equal(events[0].kind, 'forced');
  assert.equal(events[0].reason, 'hangs since noon');
  assert.ok(events[0].key);
});

test('a fence that is out of date releases nobody', async t => {
  const page = await open(t);
  await signIn(page);
  const lease = await farm.acquire('ann', 'ci-3');
  const user = lease.users[0];
  await page.goto(`${farm.url}/ui/force-release?id=${user.user_id}&fence=${user.fence}`);
  await farm.call('POST', `/leases/${lease.lease_id}/release`);
  await farm.acquire('ann', 'ci-4');
  await page.getByLabel('What for').fill('hangs');
  await page.getByRole('button', { name: 'Release by force' }).click();
  await page.getByText('Another test holds the user now').waitFor(patience);
  assert.equal((await farm.call('GET', `/users/${user.user_id}`)).lock.owner, 'ci-4');
});

test('a filter is in the address, and a link in a chat opens it', async t => {
  await farm.add('carol', { env: 'prod', labels: { role: 'admin' } });
  const page = await open(t);
  await signIn(page);
  await tabTo(page, 'Users');
  await page.keyboard.press('Enter');
  await live(page);
  await tabTo(page, 'Env');
  await page.keyboard.type('prod');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type('role:admin');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${farm.url}/ui/users?env=prod&label=role%3Aadmin`, patience);
  await page.getByRole('link', { name: 'carol', exact: true }).waitFor(patience);
  assert.equal(await page.getByRole('link', { name: 'bob', exact: true }).count(), 0);

  // Browsers keep back the cookie from somebody who comes from another site.
  const chat = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end(`<a href="${page.url()}">who has carol?</a>`));
  await new Promise(resolve => chat.listen(0, '127.0.0.1', resolve));
  t.after(() => chat.close());
  const other = await page.context().newPage();
  await other.goto(`http://localhost:${chat.address().port}`);
  await other.getByRole('link').click();
  await other.getByRole('link', { name: 'carol', exact: true }).waitFor(patience);
  assert.equal(other.url(), page.url());

  await page.getByRole('link', { name: 'carol', exact: true }).click();
  await page.getByRole('heading', { name: /^carol/ }).waitFor(patience);
});

test('times are in the zone of the reader', async t => {
  const page = await open(t, { timezoneId: 'Asia/Kolkata', locale: 'en-GB' });
  await signIn(page);
  const time = page.locator('tbody time').first();
  assert.match(await time.getAttribute('title'), /GMT\+5:30|IST/);
  assert.match(await time.innerText(), /^\d+ (s|min)/);
});

test('without the farm the page says that it is not live, and it comes back by itself', async t => {
  const page = await open(t);
  await signIn(page);
  await page.evaluate(() => { window.untouched = true; });
  await farm.kill();
  await page.locator('#live-text', { hasText: 'Not live.' }).waitFor(patience);
  await page.getByRole('link', { name: 'ci-4' }).first().waitFor(patience); // what was known stays
  await farm.start();
  await live(page);
  await farm.acquire('carol', 'ci-5');
  await page.getByText('ci-5').first().waitFor(patience);
  assert.ok(await page.evaluate(() => window.untouched), 'the page was loaded again');
});

test('without the store the page says so, and it comes back by itself', async t => {
  const page = await open(t);
  await signIn(page);
  farm.takeStore();
  await page.locator('#live-text', { hasText: 'Not live.' }).waitFor(patience);
  await page.getByText('a file of the SQLite database was removed or renamed').waitFor(patience);
  const late = await page.context().newPage();
  await late.goto(`${farm.url}/ui/users`);
  await late.getByText('The page comes back by itself').waitFor(patience);
  farm.giveBack();
  await live(page);
  await late.getByRole('link', { name: 'bob', exact: true }).waitFor(patience);
});

test('a user goes into quarantine and back, with reasons', async t => {
  const page = await open(t);
  await signIn(page);
  await farm.add('dave');
  await page.goto(`${farm.url}/ui/users`);
  await page.getByRole('link', { name: 'Put dave in quarantine' }).click();
  await page.getByLabel('What for').fill('cart is full');
  await page.getByRole('button', { name: /quarantine/i }).click();
  await page.getByText('cart is full').first().waitFor(patience);
  await page.getByRole('link', { name: 'Restore…' }).click();
  await page.getByLabel('What was done').fill('emptied it');
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByText('emptied it').waitFor(patience);
  const { events } = await farm.call('GET', '/events?login=dave');
  assert.deepEqual(events.map(e => [e.kind, e.reason]), [['created', ''], ['quarantined', 'cart is full'], ['restored', 'emptied it']]);
});

test('a project gets a name, and a user is removed that nobody holds', async t => {
  const page = await open(t);
  await signIn(page);
  await farm.call('POST', '/users', { login: 'mallory', password: 'pw', project_id: thirdProject, env: 'stage', domain: 'regular' });
  await page.goto(`${farm.url}/ui/pools?project=${thirdProject}`);
  await page.getByRole('link', { name: `Name ${thirdProject}` }).click();
  await page.getByLabel('Name').fill('Attic');
  await page.getByRole('button', { name: 'Name it' }).click();
  await page.getByRole('link', { name: 'Rename Attic' }).waitFor(patience);

  await farm.acquire('mallory', 'ci-9');
  await page.goto(`${farm.url}/ui/users?project=Attic`);
  await page.getByRole('link', { name: 'mallory', exact: true }).click();
  await page.getByRole('link', { name: 'Remove…' }).click();
  await page.getByText("A user that somebody holds can't be removed").waitFor(patience);
  assert.equal(await page.getByRole('button', { name: 'Remove' }).count(), 0);
  await page.getByRole('link', { name: 'release it by force' }).click();
  await page.getByLabel('What for').fill('is to be removed');
  await page.getByRole('button', { name: 'Release by force' }).click();
  await page.getByRole('link', { name: 'Remove…' }).click();
  await page.getByLabel('What for').fill('the account is closed');
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('The user was removed.').waitFor(patience);
  assert.deepEqual((await farm.call('GET', '/users?login=mallory')).users, []);
  await page.goto(`${farm.url}/ui/history?login=mallory`);
  await page.getByRole('row', { name: /removed.*the account is closed/ }).waitFor(patience);
});

test('a table of users is imported after a look at the difference', async t => {
  const page = await open(t);
  await signIn(page);
  await page.goto(`${farm.url}/ui/import`);
  const check = async table => {
    await page.getByLabel('CSV, JSON lines or YAML').setInputFiles({ name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(table) });
    await page.getByLabel('What for').fill('for the load test');
    await page.getByRole('button', { name: 'Show the difference' }).click();
  };
  const table = 'project,env,domain,login,password,label:role\nshop,stage,,dave,,buyer\nSHOP,stage,regular,<i>eve</i>,pw,buyer\n';
  await check(`${table}shop,stage,regular,,pw,\nnowhere,stage,regular,zac,pw,\n`);
  await page.getByText('Nothing was imported').waitFor(patience);
  await page.getByRole('row', { name: '4 login must not be empty' }).waitFor(patience);
  await page.getByRole('row', { name: '5 project_id must be the id or the name of a project' }).waitFor(patience);
  await check(table);
  await page.getByRole('row', { name: '2 ~ dave labels' }).waitFor(patience);
  await page.getByRole('row', { name: '3 + <i>eve</i>' }).waitFor(patience);
  await page.getByText('What for: for the load test').waitFor(patience);
  assert.equal((await farm.call('GET', '/users?login=dave')).users[0].labels.role, undefined);
  await page.getByRole('button', { name: 'Import 2 users' }).click();
  await page.getByRole('link', { name: '<i>eve</i>', exact: true }).waitFor(patience);
  assert.equal((await farm.call('GET', '/users?login=dave')).users[0].labels.role, 'buyer');
  const { events } = await farm.call('GET', '/events?order=desc&limit=2');
  assert.deepEqual(events.map(e => [e.kind, e.reason]).sort(), [['changed', 'for the load test'], ['created', 'for the load test']]);
});

test('an API key is made for a project, shown once, and revoked', async t => {
  await farm.call('POST', '/users', { login: 'other', password: 'pw', project_id: otherProject, env: 'stage', domain: 'regular' });
  const page = await open(t);
  await signIn(page);
  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByLabel('Name').fill('shop reader');
  await page.getByLabel('Projects').fill('Shop');
  await page.getByLabel('What for').fill('looks at the shop');
  await page.getByRole('button', { name: 'Create' }).click();
  const token = await page.locator('code.token').innerText();
  await page.goto(`${farm.url}/ui/keys`);
  assert.equal(await page.getByText(token).count(), 0);

  const reader = await open(t);
  await reader.goto(farm.url);
  await reader.getByLabel('API key').fill(token);
  await reader.getByRole('button', { name: 'Sign in' }).click();
  await live(reader);
  await reader.goto(`${farm.url}/ui/users`);
  await reader.getByRole('link', { name: 'bob', exact: true }).waitFor(patience);
  assert.equal(await reader.getByText('other', { exact: true }).count(), 0);
  assert.equal((await reader.goto(`${farm.url}/ui/keys`)).status(), 403);
  const cookies = await reader.context().cookies();
  assert.ok(cookies.length > 0 && cookies.every(c => c.httpOnly && c.sameSite === 'Strict' && !c.value.includes(token)));

  await page.getByRole('link', { name: 'Revoke shop reader' }).click();
  await page.getByLabel('What for').fill('not needed anymore');
  await page.getByRole('button', { name: /Revoke/ }).click();
  await page.getByRole('row', { name: /API key revoked shop reader not needed anymore/ }).waitFor(patience);
  await reader.goto(`${farm.url}/ui/users`);
  await reader.getByText('your API key has expired, or it was revoked').waitFor(patience);
});

test('a revoked key ends the page', async t => {
  const page = await open(t);
  const { token, key_id: id } = await farm.call('POST', '/keys', { name: 'zoe', role: 'viewer' });
  await page.goto(farm.url);
  await page.getByLabel('API key').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await live(page);
  assert.equal(await page.getByRole('link', { name: /force/ }).count(), 0);
  await farm.call('POST', `/keys/${id}/revoke`);
  await page.getByText('your API key has expired, or it was revoked').waitFor(patience);
});

test('nothing stands in the way of people with a screen reader or a narrow screen', async t => {
  await farm.acquire('bob', `<b>"long"</b>-${'x'.repeat(150)}`, 'n'.repeat(200)).catch(() => {});
  const { users } = await farm.call('GET', '/users');
  await farm.call('POST', `/users/${users[0].user_id}/quarantine`, { reason: 'r'.repeat(300) });
  farm.call('POST', '/leases', { users: [{ user_id: users[0].user_id }], owner: 'ci-6', wait_seconds: 60 }).catch(() => {}); // until the farm ends
  const far = { project_id: otherProject, env: 'pre-production-'.repeat(3), domain: 'shop.subdomain.'.repeat(3) };
  const { user_id: farUser } = await farm.call('POST', '/users', { ...far, login: 'far', password: 'secret' });
  await farm.call('POST', '/leases', { users: [far], owner: 'ci-7' });
  await farm.call('POST', '/users', { ...far, login: 'farther', password: 'secret', labels: { role: 'buyer' } });
  await farm.call('POST', '/leases', { users: [{ ...far, labels: { role: 'buyer' } }], owner: 'ci-8' });
  const folder = process.env.SCREENSHOTS ?? mkdtempSync(path.join(tmpdir(), 'userfarm-page-'));
  mkdirSync(folder, { recursive: true });
  t.diagnostic(`screenshots are in ${folder}`);
  const id = users[0].user_id;
  const pages = ['overview', 'pools', 'advice', 'line', 'users', `user?id=${id}`, `user?id=${farUser}`, 'history', 'keys', 'import', 'add-user', `change-user?id=${id}`,
    `restore?id=${id}`, `force-release?id=${id}&fence=1`, `force-release?id=${farUser}&fence=1`, `remove-user?id=${users.at(-1).user_id}`, `name-project?project=${otherProject}`, 'nothing-here', 'sign-in'];
  for (const colorScheme of ['light', 'dark']) {
    const page = await open(t, { colorScheme });
    await signIn(page);
    for (const name of pages) {
      await page.goto(`${farm.url}/ui/${name}`);
      if (name === 'nothing-here') continue; // an answer of the API
      if (await page.locator('#live-text').count()) await live(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(violations.map(v => [v.id, v.impact, v.nodes[0].html]), [], `${name} in ${colorScheme}`);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(overflow <= 0, `${name} is ${overflow} px too wide for ${width}`);
        await page.screenshot({ path: path.join(folder, `${name.replace(/\W.*/, '')}-${width}-${colorScheme}.png`), fullPage: true });
      }
      await page.setViewportSize({ width: 1280, height: 900 });
    }
  }
});
