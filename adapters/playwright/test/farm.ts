import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { components } from '../dist/openapi.js';

type Schemas = components['schemas'];

export const project = '5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39';
const program = path.resolve(import.meta.dirname, '../build/userfarm');

/** A farm in a folder of its own, which a test can kill and start again. */
export class Farm {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'userfarm-'));
  url = '';
  #process: ChildProcess | undefined;

  static async start(): Promise<Farm> {
    const farm = new Farm();
    await farm.start();
    return farm;
  }

  /** Starts the farm on a free port, or on the one that it had. */
  async start(): Promise<void> {
    const child = spawn(program, ['serve', '--listen', this.url ? new URL(this.url).host : '127.0.0.1:0'], { cwd: this.folder });
    this.#process = child;
    this.url = await new Promise<string>((resolve, reject) => {
      let log = '';
      child.stderr.on('data', chunk => {
        log += String(chunk);
        const address = /"address":"([^"]*)"/.exec(log)?.[1];
        if (address) resolve(address);
      });
      child.once('close', () => reject(new Error(`the farm does not start: ${log}`)));
    });
  }

  /** Takes requests, and answers none. */
  hang(): void {
    this.#process!.kill('SIGSTOP');
  }

  goOn(): void {
    this.#process!.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const ended = new Promise(resolve => this.#process!.once('close', resolve));
    this.#process!.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/v1${path}`, {
      method,
      ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  add(user: Partial<Schemas['NewUser']> & { login: string }): Promise<Schemas['User']> {
    return this.call('POST', '/users', { password: passwordOf(user.login), project_id: project, env: 'stage', domain: 'shop', ...user });
  }

  async user(login: string): Promise<Schemas['User']> {
    const { users } = await this.call<Schemas['UserPage']>('GET', `/users?login=${login}`);
    return users[0]!;
  }

  /** The leases that were granted, with their owners and notes. */
  async acquired(): Promise<Schemas['Event'][]> {
    return (await this.call<Schemas['EventPage']>('GET', '/events?kind=acquired&limit=1000')).events;
  }
}

/** A password that is easy to find in a report. */
export function passwordOf(login: string): string {
  return `secret-of-${login}`;
}
