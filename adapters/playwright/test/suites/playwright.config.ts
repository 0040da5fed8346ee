import { defineConfig } from '@playwright/test';
import type { Userfarm } from '@userfarm/playwright';

export default defineConfig<Userfarm>({
  timeout: 20_000,
  workers: 1,
  reporter: 'line',
  use: {
    baseURL: process.env.SITE!,
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
    userfarm: {
      want: { env: 'stage' },
      ttl: Number(process.env.TTL ?? 60),
      wait: Number(process.env.WAIT ?? 60),
      signIn: async (page, account) => {
        await page.goto('/login');
        await page.getByLabel('Login').fill(account.login);
        await page.getByLabel('Password').fill(account.password);
        await page.getByLabel('Code').fill(await account.otp());
        await page.getByRole('button').click();
        await page.getByRole('heading', { name: account.login }).waitFor();
      },
      isSignedIn: async (page, account) => {
        await page.goto('/');
        return page.getByRole('heading', { name: account.login }).isVisible();
      },
    },
  },
});
