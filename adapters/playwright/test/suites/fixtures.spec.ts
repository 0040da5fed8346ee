// What tests do with accounts.
import { inspect } from 'node:util';
import { expect, test } from '@userfarm/playwright';

test('an account has what a test needs', async ({ account }) => {
  expect(account).toMatchObject({ env: 'stage', domain: 'shop', labels: {}, hasTotp: true });
  expect(account.password).toBe(`secret-of-${account.login}`);
  expect(await account.otp()).toMatch(/^\d{6}$/);
  for (const shown of [inspect(account), JSON.stringify(account), String(account), inspect(account, { showHidden: true, getters: true })]) {
    expect(shown).toContain(account.login);
    expect(shown).not.toContain('secret-of');
  }
});

test.describe('several accounts', () => {
  test.use({ userfarm: { want: { seller: { labels: { role: 'seller' } }, buyer: { env: 'stage', labels: { role: 'buyer' } } } } });

  test('have names and can be signed in', async ({ accounts, browser }) => {
    const { seller, buyer } = accounts;
    expect([seller!.login, buyer!.login]).toEqual(['sam', 'bea']);
    const context = await browser.newContext({ storageState: await seller!.storageState(browser) });
    const page = await context.newPage();
    await page.goto('/');
    await expect(page.getByRole('heading')).toHaveText('Hello sam');
    await context.close();
  });

  test('are no single account', async ({ account }) => {
    expect(account).toBeUndefined();
  });
});

test.describe.serial('an account of a worker', () => {
  const seen: string[] = [];

  test('is given to the first test', async ({ workerAccount }) => void seen.push(`${workerAccount.login} ${workerAccount.fence}`));

  test('and to the next one', async ({ workerAccount }) => {
    seen.push(`${workerAccount.login} ${workerAccount.fence}`);
    expect(seen[0]).toBe(seen[1]);
  });

  test.describe('signed in', () => {
    test.use({ storageState: async ({ workerAccount, browser }, use) => use(await workerAccount.storageState(browser)) });

    test('opens its page signed in', async ({ page, workerAccount }) => {
      await page.goto('/');
      await expect(page.getByRole('heading')).toHaveText(`Hello ${workerAccount.login}`);
    });
  });
});

test('the account may come before the page', async ({ account, page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading')).toHaveText(`Hello ${account.login}`);
});

test('a page without an account is nobody', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});

test('a page with a state of its own keeps it', async ({ browser, account }) => {
  const page = await browser.newPage({ storageState: { cookies: [], origins: [] } });
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await page.close();
  expect(account.login).toBeTruthy();
});

test.describe('the options of a test', () => {
  test.use({ baseURL: `${process.env.SITE}/shop/`, locale: 'de-DE' });

  test.use({ userfarm: { want: { labels: { role: 'local' } }, signIn: async page => {
    const response = await page.goto('here'); // the site redirects it to /login
    expect(response?.request().redirectedFrom()?.url()).toBe(`${process.env.SITE}/shop/here`);
    expect(await page.evaluate(() => navigator.language)).toBe('de-DE');
  } } });

  test('hold for its sign-in, too', async ({ page, account }) => void [page, account]);
});

test('a bad account', async ({ account }) => account.quarantine('its cart is full'));

test.describe('failures', () => {
  test.use({ userfarm: { want: { labels: { role: 'victim' } }, onFailure: 'quarantine' } });

  test('put the account into quarantine', async ({ account }) => expect(account.login).toBe('nobody'));
});

test.describe('retries', () => {
  test.describe.configure({ retries: 1 });

  test('get an account of their own', async ({ account }, { retry }) => expect(`${account.login} ${retry}`).toMatch(/ 1$/));
});

test.describe('timeouts', () => {
  test.describe.configure({ timeout: 1000 });

  test('release the account', async ({ account }) => await new Promise(() => account));
});

test.describe('no match', () => {
  test.use({ userfarm: { want: { env: 'stagin' } } });

  test('says what comes closest', async ({ account }) => void account);
});

test.describe('a mistake in signIn', () => {
  test.use({ userfarm: { want: { labels: { role: 'forgetful' } }, signIn: async (page, account) => {
    await page.goto('/login');
    await page.getByLabel('Pasword').fill(account.password, { timeout: 500 });
  } } });

  test('fails the test without the password', async ({ page, account }) => void [page, account]);
});
