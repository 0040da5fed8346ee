import { setTimeout as sleep } from 'node:timers/promises';
import type { components } from './openapi.js';
import { FarmError, textOf, type Problem } from './problem.js';
import type { Settings } from './settings.js';

type Schemas = components['schemas'];

const retryFor = 30_000;
const firstPause = 100;
const longestPause = 5_000; // far below the time for which the farm keeps a place in line
const answerTimeout = 30_000; // in addition to the time that the farm may wait

interface Call {
  operation: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** How many seconds the farm may wait before it answers. */
  wait?: number;
  /** For how many milliseconds to repeat the call. */
  retryFor?: number;
  signal?: AbortSignal | undefined;
}

/** A farm, over HTTP. Its calls are repeated while the connection fails, or the farm restarts or is too busy. */
export class Farm {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Asks once for a lease. A call with the same key keeps its place in line. */
  acquire(request: Schemas['AcquireRequest'], key: string, signal?: AbortSignal): Promise<Schemas['Lease']> {
    const headers = { 'Idempotency-Key': key };
    return this.#call({ operation: 'acquire', method: 'POST', path: '/leases', body: request, headers, wait: request.wait_seconds ?? 0, signal });
  }

  renew(lease: string, ttl: number, signal: AbortSignal): Promise<Schemas['Lease']> {
    return this.#call({ operation: 'renew', method: 'POST', path: `/leases/${lease}/renew`, body: { ttl_seconds: ttl }, retryFor: 0, signal });
  }

  async release(lease: string, quarantine: Schemas['Fault'][]): Promise<void> {
    await this.#call({ operation: 'release', method: 'POST', path: `/leases/${lease}/release`, body: { quarantine } });
  }

  giveCode(lease: string, user: string, request: Schemas['CodeRequest']): Promise<Schemas['OneTimeCode']> {
    const path = `/leases/${lease}/users/${user}/otp`;
    return this.#call({ operation: 'get a one-time code', method: 'POST', path, body: request, wait: request.wait_seconds ?? 0 });
  }

  session(lease: string, user: string): Promise<Schemas['Session']> {
    return this.#call({ operation: 'read session', method: 'GET', path: `/leases/${lease}/users/${user}/session` });
  }

  async saveSession(lease: string, user: string, session: string): Promise<void> {
    await this.#call({ operation: 'save session', method: 'PUT', path: `/leases/${lease}/users/${user}/session`, body: { session } });
  }

  async dropSession(lease: string, user: string): Promise<void> {
    await this.#call({ operation: 'drop session', method: 'DELETE', path: `/leases/${lease}/users/${user}/session` });
  }

  line(): Promise<Schemas['Line']> {
    return this.#call({ operation: 'read line', method: 'GET', path: '/line?limit=1000', retryFor: 0 });
  }

  projectNames(): Promise<components['schemas']['ProjectNameList']> {
    return this.#call({ operation: 'list the names of projects', method: 'GET', path: '/projects/names' });
  }

  async #call<T>(call: Call): Promise<T> {
    const giveUp = performance.now() + (call.retryFor ?? retryFor);
    let doubtful = false; // an earlier attempt may have been carried out, although its answer was lost
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      const attempt = await this.#attempt<T>(call);
      if ('value' in attempt) return attempt.value;
      if (doubtful && call.operation === 'release' && wasReleased(attempt.error)) return undefined as T;
      doubtful ||= attempt.doubt;
      const wait = Math.max(pause * (0.5 + Math.random()), attempt.error.retryAfter * 1000); // not together with others that failed
      if (!attempt.retry || call.signal?.aborted || performance.now() + wait > giveUp) throw attempt.error;
      await sleep(wait, undefined, { signal: call.signal }).catch(() => undefined);
    }
  }

  async #attempt<T>({ operation, method, path, body, headers, wait = 0, signal }: Call): Promise<Attempt<T>> {
    const silent = AbortSignal.timeout(answerTimeout + wait * 1000);
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(`${this.#settings.url}/v1${path}`, {
        method,
        headers: {
          ...headers,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(this.#settings.apiKey && { Authorization: `Bearer ${this.#settings.apiKey}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([silent, signal]) : silent,
      });
      text = await answer.text();
    } catch (error) {
      const reason = silent.aborted ? 'no answer in time' : reasonOf(error);
      const advice = `is ${this.#settings.url} the right address? USERFARM_URL names another one; userfarm serve starts a farm`;
      return { error: new FarmError(operation, `the farm does not answer: ${reason}; ${advice}`), retry: true, doubt: true };
    }
    if (answer.ok && (answer.status === 204 || isJSON(answer))) return { value: (text ? JSON.parse(text) : undefined) as T };
    return refusal(operation, answer, text);
  }
}

type Attempt<T> = { value: T } | { error: FarmError; retry: boolean; doubt: boolean };

/** Why a request got no answer. The error of fetch itself only says that it failed. */
function reasonOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const { code, message } = cause as NodeJS.ErrnoException;
  return message || code || String(cause);
}

function isJSON(answer: Response): boolean {
  return answer.headers.get('Content-Type')?.startsWith('application/json') ?? false;
}

/** What to do about an answer that is no success. The body of something else than a farm, such as a proxy, is not shown. */
function refusal(operation: string, answer: Response, text: string): { error: FarmError; retry: boolean; doubt: boolean } {
  const retryAfter = Number(answer.headers.get('Retry-After')) || 0;
  if (answer.headers.get('Content-Type')?.startsWith('application/problem+json')) {
    const problem = JSON.parse(text) as Problem;
    const doubt = ['store_unavailable', 'shutting_down'].includes(problem.code);
    const retry = doubt || ['request_timeout', 'rate_limited', 'too_many_connections'].includes(problem.code);
    return { error: new FarmError(operation, textOf(problem), problem, retryAfter), retry, doubt };
  }
  const doubt = [502, 503, 504].includes(answer.status);
  const said = `the answer has the HTTP status ${answer.status}, and is not that of a farm`;
  return { error: new FarmError(operation, said, undefined, retryAfter), retry: doubt || answer.status === 429, doubt };
}

function wasReleased({ problem }: FarmError): boolean {
  return problem?.code === 'lease_expired' && problem.ended === 'released' && (problem.quarantine ?? []).every(({ kept }) => kept);
}
