// UI mode, with a browser that presses its buttons.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Page } from '@playwright/test';
import { Farm } from './farm.js';
import { start } from './run_playwright.js';
import { Site } from './site.js';
import { totpOf } from './totp.js';

test('UI mode runs, stops and runs again', async t => {
  await using farm = await Farm.start();
  await using site = await Site.start();
  await farm.add({ login: 'ann', totp_secret: totpOf('ann') });
  const running = start(farm, site, ['disturbed.spec.ts', '--ui-host', '127.0.0.1', '--ui-port', '0']);
  const address = await new Promise<string>(resolve => {
    let said = '';
    running.process.stdout!.on('data', chunk => {
      said += String(chunk);
      const found = /Listening on (\S+)/.exec(said)?.[1];
      if (found) resolve(found);
    });
  });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await page.goto(address);

  await t.test('the stop button releases the account of a test that never ends', async () => {
    await press(page, 'never ends');
    await site.reached('in the middle');
    assert.equal((await farm.user('ann')).status, 'locked');
    await page.getByTitle(/^Stop — /).click();
    site.go('in the middle');
    await free(farm);
  });

  await t.test('a test runs as often as somebody presses the button', async () => {
    for (let i = 1; i <= 2; i++) {
      await press(page, 'goes on');
      await site.reached('in the middle');
      site.go('in the middle');
      await free(farm);
      await ended(page);
      assert.match(await page.getByTestId('status-line').innerText(), /1 passed/);
    }
    assert.deepEqual(site.logins, ['ann'], 'the second one was signed in already');
  });

  await t.test('an end with ctrl-C in the middle of a test releases its account', async () => {
    await press(page, 'never ends');
    await site.reached('in the middle');
    running.process.kill('SIGINT');
    site.go('in the middle');
    await running.ended;
    await free(farm);
  });

  await browser.close();
});

/** Waits until nothing runs. */
function ended(page: Page): Promise<void> {
  return page.getByTitle(/^Run all — /).and(page.locator(':enabled')).waitFor();
}

async function press(page: Page, title: string): Promise<void> {
  await ended(page);
  const row = page.getByRole('treeitem').filter({ hasText: title }).last();
  await row.hover();
  await row.getByTitle('Run', { exact: true }).click();
}

async function free(farm: Farm): Promise<void> {
  for (let i = 0; i < 200 && (await farm.user('ann')).status !== 'free'; i++) await sleep(50);
  assert.equal((await farm.user('ann')).status, 'free');
}
