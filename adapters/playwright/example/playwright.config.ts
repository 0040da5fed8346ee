import { defineConfig } from '@playwright/test';
import type { Userfarm } from '@userfarm/playwright';

// CHROMIUM names a browser of the system. Leave it out to use that of Playwright.
const executablePath = process.env.CHROMIUM;

export default defineConfig<Userfarm>({
  testDir: 'tests',
  fullyParallel: true,
  workers: 2,
  use: {
    baseURL: 'http://127.0.0.1:8765',
    trace: 'retain-on-failure',
    ...(executablePath && { launchOptions: { executablePath, args: ['--no-sandbox'] } }),
    userfarm: {
      url: 'http://127.0.0.1:8764',
      want: { env: 'stage', labels: { role: 'buyer' } },
      wait: 60,
      signIn: async (page, account) => {
        await page.goto('/login');
        await page.getByLabel('Login').fill(account.login);
        await page.getByLabel('Password').fill(account.password);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: account.login }).waitFor();
      },
      isSignedIn: async (page, account) => {
        await page.goto('/');
        return page.getByRole('heading', { name: account.login }).isVisible();
      },
    },
  },
  webServer: [
    { command: 'userfarm serve --store memory: --listen 127.0.0.1:8764', url: 'http://127.0.0.1:8764/readyz' },
    { command: 'node shop.mjs', url: 'http://127.0.0.1:8765/login' },
  ],
  globalSetup: './accounts.ts',
});
