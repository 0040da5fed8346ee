import { expect, test } from '@userfarm/playwright';

test.describe.configure({ mode: 'parallel' });

for (let i = 1; i <= 40; i++) {
  test(`test ${i}`, async ({ page, account }, { testId }) => {
    await page.goto(`/begin?test=${testId}`);
    await expect(page.getByRole('heading')).toHaveText(`Hello ${account.login}`);
    await page.goto(`/end?test=${testId}`);
  });
}
