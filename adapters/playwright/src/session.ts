import { test, type Browser, type BrowserContext, type Page } from '@playwright/test';
import type { Account, Holder } from './account.js';
import { FarmError } from './problem.js';
import { redactError } from './redact.js';
import { unrecorded, unrecordedOptions, unrecordedPage } from './unrecorded.js';

/** What `browser.newContext` takes to be signed in. Its JSON is the text that the farm keeps. */
export type StorageState = Awaited<ReturnType<BrowserContext['storageState']>>;

/** The remembered login of an account. */
export class Session {
  readonly #account: Account;
  readonly #of: Holder;
  #state: Promise<StorageState> | undefined;

  constructor(account: Account, of: Holder) {
    this.#account = account;
    this.#of = of;
  }

  /** Signs in at most once, and not if the saved session still works. */
  state(browser: Browser): Promise<StorageState> {
    return (this.#state ??= this.#begin(browser));
  }

  async saveFrom(context: BrowserContext): Promise<void> {
    await this.#save(await unrecorded(context, () => stateOf(context)));
  }

  /** Drops the saved session, if nothing else can tell whether the site accepts it. */
  async distrust(): Promise<void> {
    if (this.#state && !this.#of.options.isSignedIn) await this.#of.lease.dropSession(this.#account.userId);
  }

  async #begin(browser: Browser): Promise<StorageState> {
    const { options: { signIn }, lease } = this.#of;
    lease.check();
    // What the test does in the browser with an account that it has lost could break another test.
    lease.onLost(reason => browser.contexts().forEach(context => void context.close({ reason: String(reason) })));
    if (!signIn) throw new Error('userfarm: there is no signIn in the options, so nothing can sign in');
    return (await this.#remembered(browser)) ?? (await this.#signIn(browser, signIn));
  }

  /** The saved session, if there is one that the site accepts. */
  async #remembered(browser: Browser): Promise<StorageState | undefined> {
    const { isSignedIn } = this.#of.options;
    const saved = await this.#read();
    if (!saved || !isSignedIn) return saved;
    const checked = await this.#inPage(browser, 'isSignedIn', saved, async page =>
      (await isSignedIn(page, this.#account)) ? stateOf(page.context()) : undefined,
    ).catch(() => undefined);
    if (checked && JSON.stringify(checked) !== JSON.stringify(saved)) await this.#save(checked);
    return checked;
  }

  async #signIn(browser: Browser, signIn: NonNullable<Holder['options']['signIn']>): Promise<StorageState> {
    const state = await this.#inPage(browser, 'signIn', undefined, async page => {
      await signIn(page, this.#account);
      return stateOf(page.context());
    });
    await this.#save(state);
    return state;
  }

  /** Runs a function of the user in a page that is not recorded, for as long as a test may take. */
  async #inPage<T>(browser: Browser, what: string, state: StorageState | undefined, use: (page: Page) => Promise<T>): Promise<T> {
    const { contextOptions, timeout } = this.#of;
    const options = { ...contextOptions, ...unrecordedOptions, storageState: state ?? { cookies: [], origins: [] } };
    let timer: NodeJS.Timeout | undefined;
    try {
      return await unrecordedPage(browser, options, page => Promise.race([
        use(page),
        new Promise<never>((_, reject) => {
          if (timeout) timer = setTimeout(() => reject(new Error(`userfarm: ${what} took longer than ${timeout / 1000} s, as long as a test may take`)), timeout);
        }),
      ]));
    } catch (error) {
      const said = (error as Error).message; // without the name of the call, because Playwright does not record it
      redactError(error, text => this.#account.redact(text.replace(said, () => `userfarm: ${what} as ${this.#account.login}: ${said}`)));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The saved session; undefined if there is none that this program can read. */
  async #read(): Promise<StorageState | undefined> {
    if (this.#of.user.session_saved_at === null) return undefined;
    try {
      return JSON.parse(await this.#of.lease.session(this.#account.userId)) as StorageState;
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof FarmError && error.code === 'session_not_found')) return undefined;
      throw error;
    }
  }

  /** Saves a session for the next test. This one goes on without that, so a failure is only a note in its report. */
  async #save(state: StorageState): Promise<void> {
    try {
      await this.#of.lease.saveSession(this.#account.userId, JSON.stringify(state));
    } catch (error) {
      note(`the session of ${this.#account.login} was not saved: ${(error as Error).message}`);
    }
  }
}

function stateOf(context: BrowserContext): Promise<StorageState> {
  return context.storageState({ indexedDB: true });
}

function note(text: string): void {
  try {
    test.info().annotations.push({ type: 'userfarm', description: text });
  } catch {
    process.stderr.write(`userfarm: ${text}\n`); // no test runs
  }
}
