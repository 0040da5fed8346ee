import type { BrowserContextOptions } from '@playwright/test';
import { Account } from './account.js';
import { acquire } from './acquire.js';
import { Farm } from './farm.js';
import { Lease, LeaseLostError } from './lease.js';
import type { UserfarmOptions } from './options.js';
import { selectorsOf } from './project.js';
import type { Redact } from './redact.js';
import type { Report } from './report.js';
import { settingsOf } from './settings.js';
import { wantOf } from './want.js';

/** Who holds accounts, and where people read about it. */
export interface Terms {
  owner: string;
  note: string;
  /** Of pages that sign in. */
  contextOptions: BrowserContextOptions;
  /** How many milliseconds a sign-in may take; 0 for no limit. */
  timeout: number;
  report: Report;
}

/** The accounts of a test or a worker. They are acquired when somebody asks for them, and held until the end. */
export class Holding {
  readonly options: UserfarmOptions;
  readonly #terms: Terms;
  readonly #ended = new AbortController();
  readonly #lost = new AbortController();
  #held: Promise<Held> | undefined;
  #checked = false;

  constructor(options: UserfarmOptions, terms: Terms) {
    this.options = options;
    this.#terms = terms;
    process.once('disconnect', this.#orphaned);
  }

  /** Is aborted, with an error for people as its reason, when the accounts are lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The accounts by their names. */
  async accounts(): Promise<Record<string, Account>> {
    return (await (this.#held ??= this.#acquire())).accounts;
  }

  /** The only account. */
  async account(): Promise<Account> {
    const { names } = wantOf(this.options.want);
    if (names[0] !== 'account') {
      throw new Error(`userfarm: want names accounts (${names.join(', ')}): take accounts instead of account, such as accounts.${names[0]}`);
    }
    return (await this.accounts()).account!;
  }

  /** Throws if the accounts are lost. */
  check(): void {
    this.#checked = true;
    this.lost.throwIfAborted();
  }

  /** Takes the secrets of the accounts out of a text. */
  async redaction(): Promise<Redact> {
    const held = await this.#held?.catch(() => undefined);
    return text => Object.values(held?.accounts ?? {}).reduce((clean, account) => account.redact(clean), text);
  }

  /** Releases the accounts. Throws if they were lost, unless a check said so before. `failure` is why the test failed, if it did. */
  async end(failure?: string): Promise<void> {
    this.#ended.abort();
    process.off('disconnect', this.#orphaned);
    const held = await this.#held?.catch(() => undefined);
    if (!held) return;
    if (failure) await distrustSessions(held.accounts);
    const error = await held.lease.release(this.#faults(held.accounts, failure)).catch((error: unknown) => error as Error);
    if (error && !(error instanceof LeaseLostError)) {
      this.#terms.report('userfarm', `${Object.values(held.accounts).join(', ')} could not be released: ${error.message}`);
    }
    if (this.#checked) return;
    this.lost.throwIfAborted();
    if (error instanceof LeaseLostError) throw error;
  }

  /** The test runner has ended without its workers: they end at once, and without the ends of their tests. */
  readonly #orphaned = (): void => {
    this.#checked = true;
    void this.end();
  };

  /** The accounts that go into quarantine. */
  #faults(accounts: Record<string, Account>, failure?: string) {
    const fallback = this.options.onFailure === 'quarantine' ? failure : undefined;
    return Object.values(accounts).flatMap(({ userId, fault = fallback }) => (fault ? [{ user_id: userId, reason: fault.slice(0, 1024) }] : []));
  }

  async #acquire(): Promise<Held> {
    const { owner, note, contextOptions, timeout, report } = this.#terms;
    const { ttl = 60, wait = 300, want } = this.options;
    const settings = settingsOf(this.options);
    const farm = new Farm(settings);
    const { names, selectors } = wantOf(want);
    const request = { users: await selectorsOf(selectors, settings, farm), owner, note, ttl_seconds: ttl };
    let change: ((text: string) => void) | undefined;
    const say = (text: string) => (change ? change(text) : (change = report('userfarm', text)));
    const { lease: granted, since } = await acquire(farm, request, wait, this.#ended.signal, say);
    const lease = new Lease(farm, granted, ttl, this.#lost, since);
    const accounts: Record<string, Account> = {};
    granted.users.forEach((user, i) => {
      const name = names[i]!;
      accounts[name] = new Account({ user, lease, options: this.options, contextOptions, timeout });
      report(name, `${user.login}, fence ${user.fence}`);
    });
    return { lease, accounts };
  }
}

interface Held {
  lease: Lease;
  accounts: Record<string, Account>;
}

async function distrustSessions(accounts: Record<string, Account>): Promise<void> {
  await Promise.allSettled(Object.values(accounts).map(account => account.distrustSession()));
}
