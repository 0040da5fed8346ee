// Tests whose reports must have no secret. One fails with the account in its hands.
import { expect, test } from '@userfarm/playwright';

test('passes', async ({ page, account }) => {
  await page.goto('/');
  await expect(page.getByRole('heading')).toHaveText(`Hello ${account.login}`);
});

test('fails', async ({ page, account }) => {
  await page.goto('/');
  expect(account).toEqual({ login: 'somebody else' });
});

test('fails with the password in its error', async ({ account }) => {
  throw new Error(`could not sign in with ${account.password}`);
});

test.describe('a test that records its network', () => {
  test.use({
    contextOptions: ({}, use, testInfo) => use({ recordHar: { path: testInfo.outputPath('all.har') } }),
    userfarm: { want: { buyer: {} } },
  });

  test('records no sign-in', async ({ accounts, browser }) => {
    const storageState = await accounts.buyer!.storageState(browser);
    await (await browser.newContext({ storageState })).close();
    expect(accounts.buyer!.login).toBe('nobody');
  });
});
