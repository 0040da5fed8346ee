import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const program = path.resolve(import.meta.dirname, 'build/userfarm');

export const project = '5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39';
export const otherProject = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d';

export const thirdProject = '7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f';

/** A farm in a folder of its own, with the API key of an admin, which a test can stop and start again. */
export class Farm {
  folder = mkdtempSync(path.join(tmpdir(), 'userfarm-'));
  token = execFileSync(program, ['keys', 'generate'], { encoding: 'utf8' }).trim();
  url = '';
  #process;

  static async start() {
    const farm = new Farm();
    await farm.start();
    return farm;
  }

  /** Starts the farm on a free port, or on the one that it had. */
  async start() {
    const listen = this.url ? new URL(this.url).host : '127.0.0.1:0';
    const env = { ...process.env, USERFARM_ADMIN_KEY: this.token };
    const child = spawn(program, ['serve', '--listen', listen], { cwd: this.folder, env });
    this.#process = child;
    this.url = await new Promise((resolve, reject) => {
      let log = '';
      child.stderr.on('data', chunk => {
        log += String(chunk);
        const address = /"address":"([^"]*)"/.exec(log)?.[1];
        if (address) resolve(address);
      });
      child.once('close', () => reject(new Error(`the farm does not start: ${log}`)));
    });
  }

  async kill() {
    const ended = new Promise(resolve => this.#process.once('close', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  async end() {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }

  /** Takes the database away, so that the store is unavailable; giveBack gives it back. */
  takeStore() {
    renameSync(path.join(this.folder, 'userfarm.db'), path.join(this.folder, 'away.db'));
  }

  giveBack() {
    renameSync(path.join(this.folder, 'away.db'), path.join(this.folder, 'userfarm.db'));
  }

  async call(method, route, body) {
    const answer = await fetch(`${this.url}/v1${route}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${route}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  add(login, user = {}) {
    return this.call('POST', '/users', { login, password: `secret-of-${login}`, project_id: project, env: 'stage', domain: 'regular', ...user });
  }

  acquire(login, owner, note = '') {
    return this.call('GET', `/users?login=${login}`).then(({ users }) =>
      this.call('POST', '/leases', { users: [{ user_id: users[0].user_id }], owner, note }));
  }
}
