import type { Farm } from './farm.js';
import { clock, holders } from './holders.js';
import type { components } from './openapi.js';
import type { Problem } from './problem.js';
import { overlap } from './want.js';

type Request = components['schemas']['AcquireRequest'];

const lookEvery = 1000; // milliseconds, for the place in line

/** Tells people why an acquire takes long. Most waits are short, so it says nothing in the first second. */
export class Waiting {
  readonly #since = new Date();
  readonly #farm: Farm;
  readonly #request: Request;
  readonly #say: (line: string) => void;
  #problem: Problem | undefined;
  #look: NodeJS.Timeout | undefined;
  #told = false;

  constructor(farm: Farm, request: Request, say: (line: string) => void) {
    this.#farm = farm;
    this.#request = request;
    this.#say = say;
  }

  /** Keeps who has the accounts now. */
  refused(problem: Problem): void {
    this.#problem = problem;
    this.#look ??= setInterval(() => void this.#tell(), lookEvery).unref();
  }

  end(): void {
    clearInterval(this.#look);
    if (this.#told) this.#say(`waited ${Math.round((Date.now() - this.#since.getTime()) / 1000)} s in line${this.#holders()}`);
    this.#problem = undefined;
  }

  async #tell(): Promise<void> {
    const place = await this.#place();
    if (!this.#problem) return; // the wait has ended meanwhile
    const at = place > 0 ? `, place ${place} in line` : '';
    this.#told = true;
    this.#say(`waiting since ${clock(this.#since)}${at}${this.#holders()}`);
  }

  #holders(): string {
    const said = this.#problem ? holders(this.#problem) : [];
    return said.length > 0 ? `: ${said.join(', ')}` : '';
  }

  /** The place among the acquires that could get the same accounts; 0 if it is not known. */
  async #place(): Promise<number> {
    const line = await this.#farm.line().catch(() => ({ waiters: [] }));
    let place = 1;
    for (const { owner, note, users } of line.waiters) {
      if (owner === this.#request.owner && note === this.#request.note) return place;
      if (users.some(other => this.#request.users.some(mine => overlap(other, mine)))) place++;
    }
    return 0;
  }
}
