import { inspect } from 'node:util';
import type { Browser, BrowserContextOptions, Page } from '@playwright/test';
import type { Lease } from './lease.js';
import type { components } from './openapi.js';
import type { UserfarmOptions } from './options.js';
import { Session, type StorageState } from './session.js';

type Schemas = components['schemas'];

/** What an account is made of. */
export interface Holder {
  user: Schemas['LeasedUser'];
  lease: Lease;
  options: UserfarmOptions;
  /** Of the page that signs in. */
  contextOptions: BrowserContextOptions;
  /** How many milliseconds the sign-in may take; 0 for no limit. */
  timeout: number;
}

/** A test user that no other test has. The password is not among the properties that `console.log`, `JSON` and `expect` show. */
export class Account {
  readonly login: string;
  readonly userId: string;
  readonly projectId: string;
  readonly env: string;
  readonly domain: string;
  readonly labels: Readonly<Record<string, string>>;
  /** One higher with every lock of this user. */
  readonly fence: number;
  readonly hasTotp: boolean;

  readonly #password: string;
  readonly #lease: Lease;
  readonly #session: Session;
  #fault: string | undefined;

  constructor(of: Holder) {
    const { user, lease } = of;
    this.login = user.login;
    this.userId = user.user_id;
    this.projectId = user.project_id;
    this.env = user.env;
    this.domain = user.domain;
    this.labels = user.labels;
    this.fence = user.fence;
    this.hasTotp = user.has_totp;
    this.#password = user.password;
    this.#lease = lease;
    this.#session = new Session(this, of);
  }

  /** What the site wants beside the login. Steps and traces show what a test types, so type it in `signIn`, which is not recorded. */
  get password(): string {
    this.#lease.check();
    return this.#password;
  }

  /** Throws if the account is lost, as `password` and all methods do: another test may have it. A page of it is closed then. */
  check(): void {
    this.#lease.check();
  }

  /** A one-time code of the second factor, which nobody has got before. Waits for the next one if necessary, for a minute at most. */
  async otp({ wait = 60, minRemaining }: { wait?: number; minRemaining?: number } = {}): Promise<string> {
    const request = { wait_seconds: wait, ...(minRemaining !== undefined && { min_remaining_seconds: minRemaining }) };
    return (await this.#lease.giveCode(this.userId, request)).code;
  }

  /** Takes the account out of circulation when the test ends, until somebody restores it. The first reason counts. */
  quarantine(reason: string): void {
    this.#fault ??= reason;
  }

  /**
   * Signs in, unless the saved session still works, and returns the state for `browser.newContext({ storageState })`. `page` of a
   * test with `account` has it already.
   */
  storageState(browser: Browser): Promise<StorageState> {
    return this.#session.state(browser);
  }

  /** Saves the session of a page for the next test. Only sites that change their tokens meanwhile need that. */
  saveSession(page: Page): Promise<void> {
    return this.#session.saveFrom(page.context());
  }

  /** Shows no getter, whatever the options are. */
  [inspect.custom](): object {
    return { ...this };
  }

  toString(): string {
    return this.login;
  }

  /** The reason for the quarantine; undefined for an account that stays in use. @internal */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** A text without the secrets of the account. @internal */
  redact(text: string): string {
    return this.#lease.redact(text).replaceAll(this.#password, '[password]');
  }

  /** Drops a session that may be the reason why a test failed. @internal */
  distrustSession(): Promise<void> {
    return this.#session.distrust();
  }
}
