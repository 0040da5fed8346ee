import type { BrowserContext } from '@playwright/test';
import type { Account } from './account.js';
import { unrecorded } from './unrecorded.js';

/** Signs the context of a test in as its account, whichever of the two the test asks for first. */
export class SignedIn {
  #context: BrowserContext | undefined;
  #account: Account | undefined;

  async open(context: BrowserContext): Promise<void> {
    this.#context = context;
    await this.#enter();
  }

  async as(account: Account): Promise<void> {
    this.#account = account;
    await this.#enter();
  }

  async #enter(): Promise<void> {
    const [context, account] = [this.#context, this.#account];
    if (!context || !account) return;
    const browser = context.browser();
    if (!browser) throw new Error('userfarm: a persistent context has no browser in which signIn could run');
    const state = await account.storageState(browser);
    await unrecorded(context, () => context.setStorageState(state));
  }
}
