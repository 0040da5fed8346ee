import { expect, test } from '@userfarm/playwright';

for (const things of [1, 2, 3, 4]) {
  test(`a cart counts ${things}`, async ({ page, account }) => {
    await page.goto('/');
    await expect(page.getByRole('heading')).toHaveText(`Hello ${account.login}`);
    for (let i = 0; i < things; i++) await page.getByRole('button', { name: 'Add' }).click();
    await expect(page.getByText('Cart:')).toHaveText(`Cart: ${things}`); // no other test uses the cart
    await page.getByRole('button', { name: 'Empty' }).click();
    if (!(await page.getByText('Cart: 0').isVisible())) account.quarantine('cart is full');
  });
}
