import { test as base, type BrowserContextOptions, type TestInfo } from '@playwright/test';
import type { Account } from './account.js';
import { Holding } from './holding.js';
import type { Userfarm, UserfarmOptions } from './options.js';
import { noteOf, ownerOf } from './owner.js';
import { redactError } from './redact.js';
import { reportIn, reportOnTerminal } from './report.js';
import { SignedIn } from './signed_in.js';

interface TestFixtures extends Userfarm {
  /** An account that no other test has until this one has ended. `page` is signed in as it, if the options have `signIn`. */
  account: Account;

  /** The accounts that `want` names, acquired all at once. */
  accounts: Record<string, Account>;

  userfarmHolding: Holding;
  userfarmSignedIn: SignedIn;
  userfarmCheck: void;
}

interface WorkerFixtures {
  /** An account that no other worker has until this one has ended, as the configuration wants it. */
  workerAccount: Account;

  userfarmWorkerHolding: Holding;
}

const hidden = { box: 'self' } as const;

/** Waiting for accounts, signing in and releasing have timeouts of their own. */
const unlimited = { timeout: 0 } as const;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  userfarm: [{}, { option: true }],

  account: [async ({ userfarmHolding, userfarmSignedIn }, use) => {
    const account = await userfarmHolding.account();
    if (userfarmHolding.options.signIn) await userfarmSignedIn.as(account);
    await use(account);
  }, unlimited],

  accounts: [async ({ userfarmHolding }, use) => use(await userfarmHolding.accounts()), unlimited],

  workerAccount: [async ({ userfarmWorkerHolding }, use) => use(await userfarmWorkerHolding.account()), { scope: 'worker', ...unlimited }],

  context: [async ({ context, storageState, userfarmHolding, userfarmSignedIn }, use) => {
    // What the test does in the browser with an account that it has lost could break another test.
    const close = () => void context.close({ reason: String(userfarmHolding.lost.reason) });
    if (userfarmHolding.lost.aborted) close();
    userfarmHolding.lost.addEventListener('abort', close);
    if (storageState === undefined) await userfarmSignedIn.open(context);
    await use(context);
    userfarmHolding.lost.removeEventListener('abort', close);
  }, { scope: 'test', ...unlimited }],

  userfarmSignedIn: [async ({}, use) => use(new SignedIn()), hidden],

  userfarmHolding: [async (
    { userfarm, baseURL, clientCertificates, extraHTTPHeaders, httpCredentials, ignoreHTTPSErrors, locale, proxy, userAgent, viewport }, use, testInfo,
  ) => {
    const contextOptions = contextOptionsIn({
      baseURL, clientCertificates, extraHTTPHeaders, httpCredentials, ignoreHTTPSErrors, locale, proxy, userAgent, viewport,
    } as Use);
    const holding = new Holding({ ...optionsIn(testInfo.project.use), ...userfarm }, {
      owner: ownerOf(testInfo), note: noteOf(testInfo), contextOptions, timeout: testInfo.timeout, report: reportIn(testInfo),
    });
    await use(holding);
    await redactErrors(testInfo, holding);
    await holding.end(failureOf(testInfo));
  }, { ...hidden, ...unlimited }],

  userfarmWorkerHolding: [async ({}, use, { project, ...workerInfo }) => {
    const holding = new Holding(optionsIn(project.use), {
      owner: ownerOf({ project, ...workerInfo }), note: 'account of a worker', contextOptions: contextOptionsIn(project.use),
      timeout: project.timeout, report: reportOnTerminal,
    });
    await use(holding);
    await holding.end();
  }, { scope: 'worker', ...hidden, ...unlimited }],

  // A fixture of a worker can't fail the test that runs.
  userfarmCheck: [async ({ userfarmWorkerHolding }, use, testInfo) => {
    await use();
    await redactErrors(testInfo, userfarmWorkerHolding);
    userfarmWorkerHolding.check();
  }, { auto: true, ...hidden }],
});

type Use = TestInfo['project']['use'];

/** The options of the configuration. `test.use` changes only what it names. */
function optionsIn(use: Use): UserfarmOptions {
  return (use as Use & Partial<Userfarm>).userfarm ?? {};
}

/** What pages that sign in have in common with those of tests. */
function contextOptionsIn(
  { baseURL, clientCertificates, extraHTTPHeaders, httpCredentials, ignoreHTTPSErrors, locale, proxy, userAgent, viewport }: Use,
): BrowserContextOptions {
  const options = { baseURL, clientCertificates, extraHTTPHeaders, httpCredentials, ignoreHTTPSErrors, locale, proxy, userAgent, viewport };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function redactErrors({ errors }: TestInfo, holding: Holding): Promise<void> {
  const redact = await holding.redaction();
  for (const error of errors) redactError(error, redact);
}

/** Why a test failed; undefined if it did not. One that somebody interrupted did not fail. */
function failureOf({ status, expectedStatus, titlePath }: TestInfo): string | undefined {
  return status === expectedStatus || status === 'skipped' || status === 'interrupted' ? undefined : `${titlePath.join(' › ')}: ${status}`;
}
