import { setTimeout as sleep } from 'node:timers/promises';
import type { Farm } from './farm.js';
import type { components } from './openapi.js';
import { FarmError } from './problem.js';

type Schemas = components['schemas'];

/** Says that another test may have used the accounts. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';

  constructor(cause: unknown) {
    const reason = (cause as Error).message.replace(/^userfarm: /, '');
    super(`userfarm: the lease is lost, so another test may have used the account: ${reason}`);
    this.stack = `${this.name}: ${this.message}`; // where this package found it out tells nobody anything
  }
}

/** A lease that is renewed each time a third of its time to live has passed, until it is released or lost. */
export class Lease {
  readonly #farm: Farm;
  readonly #id: string;
  readonly #ttl: number; // seconds
  readonly #released = new AbortController();
  readonly #renewing: Promise<void>;
  readonly #lost: AbortController;

  /**
   * `lost` is aborted, with a {@link LeaseLostError}, when the lease is over or soon will be because it can't be renewed. `since` is
   * when the farm was asked for the lease, as `performance.now()` said it.
   */
  constructor(farm: Farm, { lease_id: id }: Pick<Schemas['Lease'], 'lease_id'>, ttl: number, lost: AbortController, since: number) {
    this.#farm = farm;
    this.#id = id;
    this.#ttl = ttl;
    this.#lost = lost;
    this.#renewing = this.#renew(since);
  }

  /** Ends the lease. Throws a {@link LeaseLostError} if it is over already. */
  async release(quarantine: Schemas['Fault'][]): Promise<void> {
    this.#released.abort();
    await this.#renewing;
    try {
      await this.#farm.release(this.#id, quarantine);
    } catch (error) {
      throw isOver(error) ? new LeaseLostError(error) : error;
    }
  }

  /** Throws a {@link LeaseLostError} if the lease is lost. */
  check(): void {
    this.#lost.signal.throwIfAborted();
  }

  /** Calls a function when the lease is lost. */
  onLost(call: (reason: LeaseLostError) => void): void {
    this.#lost.signal.addEventListener('abort', () => call(this.#lost.signal.reason as LeaseLostError));
  }

  giveCode(user: string, request: Schemas['CodeRequest']): Promise<Schemas['OneTimeCode']> {
    return this.#held(() => this.#farm.giveCode(this.#id, user, request));
  }

  async session(user: string): Promise<string> {
    return (await this.#held(() => this.#farm.session(this.#id, user))).session;
  }

  saveSession(user: string, session: string): Promise<void> {
    return this.#held(() => this.#farm.saveSession(this.#id, user, session));
  }

  dropSession(user: string): Promise<void> {
    return this.#held(() => this.#farm.dropSession(this.#id, user));
  }

  /** A text without the id of the lease. */
  redact(text: string): string {
    return text.replaceAll(this.#id, '[lease id]');
  }

  /** Makes a call that needs the lease. */
  async #held<T>(call: () => Promise<T>): Promise<T> {
    this.check();
    try {
      return await call();
    } catch (error) {
      if (!isOver(error)) throw error;
      this.#lose(error);
      throw this.#lost.signal.reason;
    }
  }

  #lose(cause: unknown): void {
    this.#lost.abort(new LeaseLostError(cause)); // only the first reason counts
  }

  /** Only the time that passes here counts, not the clock of the farm. */
  async #renew(since: number): Promise<void> {
    const ttl = this.#ttl * 1000;
    for (let renewed = since; await this.#pause(renewed + ttl / 3 - performance.now()); ) {
      try {
        renewed = await this.#renewUntil(renewed + ttl - ttl / 10); // the test needs some time to stop before the lease expires
      } catch (error) {
        if (!this.#released.signal.aborted) this.#lose(error);
        return;
      }
    }
  }

  /** Tries to renew until a time. Returns when the renewal began that succeeded. */
  async #renewUntil(until: number): Promise<number> {
    for (;;) {
      const began = performance.now();
      const late = AbortSignal.timeout(Math.max(Math.ceil(until - began), 0));
      try {
        await this.#farm.renew(this.#id, this.#ttl, AbortSignal.any([late, this.#released.signal]));
        return began;
      } catch (error) {
        const pause = (this.#ttl * 1000) / 30;
        if (isOver(error) || performance.now() + pause >= until || !(await this.#pause(pause))) throw error;
      }
    }
  }

  /** Waits, and returns false if the lease was released meanwhile. */
  async #pause(milliseconds: number): Promise<boolean> {
    await sleep(Math.max(milliseconds, 0), undefined, { signal: this.#released.signal, ref: false }).catch(() => undefined);
    return !this.#released.signal.aborted;
  }
}

/** Whether an error says that a lease is over. */
export function isOver(error: unknown): boolean {
  return error instanceof FarmError && (error.code === 'lease_expired' || error.code === 'lease_not_found');
}
