import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { passwordOf } from './farm.js';
import { codesOf } from './totp.js';

/** A site with a login, a second factor and sessions. It records who logs in, and which tests use an account at the same time. */
export class Site {
  url = '';
  readonly logins: string[] = [];
  readonly overlaps: string[] = [];
  readonly tests: string[] = [];
  readonly #sessions = new Map<string, string>(); // logins by session
  readonly #used = new Map<string, string>(); // tests by login
  readonly #codes = new Set<string>();
  readonly #waiting = new Map<string, ServerResponse>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<Site> {
    const site = new Site();
    await new Promise<void>(resolve => site.#server.listen(0, '127.0.0.1', resolve));
    site.url = `http://127.0.0.1:${(site.#server.address() as AddressInfo).port}`;
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  /** Ends the sessions of an account, as an expiry would. */
  revoke(login: string): void {
    for (const [session, of] of this.#sessions) if (of === login) this.#sessions.delete(session);
  }

  /** Forgets what it has recorded. */
  reset(): void {
    for (const list of [this.logins, this.overlaps, this.tests]) list.length = 0;
    this.#used.clear();
  }

  get sessions(): string[] {
    return [...this.#sessions.keys()];
  }

  /** Resolves when a test has come to a point, where it waits until {@link go}. */
  async reached(point: string): Promise<void> {
    for (const began = Date.now(); !this.#waiting.has(point); await sleep(20)) {
      if (Date.now() - began > 30_000) throw new Error(`no test has come to this point: ${point}`);
    }
  }

  go(point: string): void {
    this.#waiting.get(point)?.end('go');
    this.#waiting.delete(point);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const login = this.#sessions.get(/session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? '');
    const point = searchParams.get('point');
    if (pathname === '/wait' && point) return void this.#waiting.set(point, response);
    if (pathname === '/login' && request.method === 'POST') return this.#login(new URLSearchParams(await bodyOf(request)), response);
    if (pathname === '/login') return page(response, form);
    if (!login) return redirect(response, '/login');
    if (pathname === '/begin') this.#begin(login, searchParams.get('test')!);
    if (pathname === '/end') this.#end(login, searchParams.get('test')!);
    page(response, `<h1>Hello ${login}</h1>`);
  }

  #login(fields: URLSearchParams, response: ServerResponse): void {
    const login = fields.get('login') ?? '';
    const code = `${login} ${fields.get('code')}`;
    if (fields.get('password') !== passwordOf(login) || !codesOf(login).includes(fields.get('code') ?? '') || this.#codes.has(code)) {
      return page(response, `<p>Wrong password or code</p>${form}`);
    }
    this.#codes.add(code);
    this.logins.push(login);
    const session = `session-${randomUUID()}`;
    this.#sessions.set(session, login);
    response.setHeader('Set-Cookie', `session=${session}; HttpOnly; Path=/`);
    redirect(response, '/');
  }

  #begin(login: string, test: string): void {
    const other = this.#used.get(login);
    if (other) this.overlaps.push(`${login}: ${other} and ${test}`);
    this.#used.set(login, test);
    this.tests.push(test);
  }

  #end(login: string, test: string): void {
    if (this.#used.get(login) === test) this.#used.delete(login);
    else this.overlaps.push(`${login}: ${test} ended, ${this.#used.get(login)} uses it`);
  }
}

const form = `<form method="post" action="/login">
  <label>Login <input name="login"></label>
  <label>Password <input name="password" type="password"></label>
  <label>Code <input name="code"></label>
  <button>Sign in</button>
</form>`;

function page(response: ServerResponse, body: string): void {
  response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Shop</title>${body}`);
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(303, { Location: to }).end();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}
