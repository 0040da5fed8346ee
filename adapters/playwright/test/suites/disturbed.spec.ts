// Tests that something happens to.
import { expect, test } from '@userfarm/playwright';

const site = process.env.SITE!;

/** Tells the test of this suite that it has come to a point, and waits until that goes on. */
const point = (name: string) => fetch(`${site}/wait?point=${name}`);

test('killed', async ({ account }) => {
  await point(`killed by ${account.login}`);
  process.kill(process.pid, 'SIGKILL');
});

test('goes on', async ({ page, account }) => {
  await point('in the middle');
  await page.goto('/');
  await expect(page.getByRole('heading')).toHaveText(`Hello ${account.login}`);
});

test('does not notice', async ({ account }) => {
  await point('in the middle');
  expect(account.login).toBe('ann');
});

test('clicks for a long time', async ({ page, account }) => {
  await page.goto('/');
  await point(`in the middle of ${account.login}`);
  await page.getByText('never there').click();
});

test('never ends', async ({ account }) => {
  await point('in the middle');
  await new Promise(() => account);
});

test('takes what it gets', async ({ account }) => {
  expect(account.login).toBe('ann');
});

test('takes it for the worker', async ({ workerAccount }) => {
  expect(workerAccount.login).toBe('ann');
  await point('in the middle');
});

test('stops by itself', async ({ account }) => {
  await point('in the middle');
  try {
    while (account.password) await new Promise(resolve => setTimeout(resolve, 20));
  } finally {
    await point('stopped');
  }
});

test.describe('accounts with names', () => {
  test.use({ userfarm: { want: { buyer: {} } } });

  test('has a page of its own', async ({ accounts, browser }) => {
    const context = await browser.newContext({ storageState: await accounts.buyer!.storageState(browser) });
    const page = await context.newPage();
    await page.goto('/');
    await point('in the middle');
    await page.getByText('never there').click();
  });
});
