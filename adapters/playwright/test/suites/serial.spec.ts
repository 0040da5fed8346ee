// Tests that go on where the one before has ended, with one account.
import { expect, test } from '@userfarm/playwright';

test.describe.serial('a long way', () => {
  let began = '';

  test('begins', async ({ workerAccount }) => void (began = `${workerAccount.login} ${workerAccount.fence}`));

  test('fails at first', async ({ workerAccount }, { retry }) => {
    expect(`${workerAccount.login} ${workerAccount.fence}`).toBe(began);
    expect(retry).toBe(1);
  });
});
