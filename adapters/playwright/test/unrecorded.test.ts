// A version of Playwright without what keeps the sign-in out of reports.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Browser } from '@playwright/test';
import { unrecordedPage } from '../dist/unrecorded.js';

test('nobody signs in where that would be recorded', async () => {
  let opened = false;
  const browser = { newContext: () => void (opened = true) } as unknown as Browser;
  await assert.rejects(unrecordedPage(browser, {}, () => Promise.resolve()), /would record the sign-in, .*: use @playwright\/test 1\.65/);
  assert.ok(!opened, 'no page was opened');
});
