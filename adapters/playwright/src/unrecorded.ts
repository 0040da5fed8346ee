import type { Browser, BrowserContext, BrowserContextOptions, Page } from '@playwright/test';

/** What Playwright has for calls of its own: they are in no step, report or trace. It is not public, so a later version may lack it. */
interface Recorded {
  _wrapApiCall?<T>(call: () => Promise<T>, options: { internal: true }): Promise<T>;
}

/** Without these, a page would record what `contextOptions` of a test says. */
export const unrecordedOptions = { recordHar: undefined, recordVideo: undefined } as unknown as BrowserContextOptions;

/** Makes calls that Playwright does not record. */
export async function unrecorded<T>(by: Browser | BrowserContext, call: () => Promise<T>): Promise<T> {
  const recorded = by as unknown as Recorded;
  if (typeof recorded._wrapApiCall !== 'function') {
    throw new Error('userfarm: this version of Playwright would record the sign-in, with the password, so signIn did not run: use @playwright/test 1.65');
  }
  // An error passes as a value, because Playwright would put the name of this function before its message.
  const result = await recorded._wrapApiCall<{ value: T } | { error: unknown }>(
    () => call().then(value => ({ value }), (error: unknown) => ({ error })),
    { internal: true },
  );
  if ('error' in result) throw result.error;
  return result.value;
}

/** Opens a page that Playwright records in no step, report, trace, video or screenshot, and closes it when `use` has ended. */
export function unrecordedPage<T>(browser: Browser, options: BrowserContextOptions, use: (page: Page) => Promise<T>): Promise<T> {
  return unrecorded(browser, async () => {
    const context = await browser.newContext(options);
    try {
      await stopTracing(context); // which the test runner has started
      return await use(await context.newPage());
    } finally {
      await close(context);
    }
  });
}

async function stopTracing(context: BrowserContext): Promise<void> {
  await context.tracing.stop();
  await context.request.tracing.stop();
}

/** The test runner takes screenshots and the trace of what is open when a context closes. */
async function close(context: BrowserContext): Promise<void> {
  for (const page of context.pages()) await page.close();
  await context.tracing.start();
  await context.request.tracing.start();
  await context.close();
}
