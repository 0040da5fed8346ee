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
