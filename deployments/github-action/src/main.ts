// Acquires users for the job, and starts a process that renews their lease while the job lives.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { acquire } from '../../../adapters/playwright/src/acquire.js';
import { selectorsOf } from '../../../adapters/playwright/src/project.js';
import { fail, mask, tell } from './commands.js';
import { farm, input, seconds, settings, wanted } from './inputs.js';

const { GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run, GITHUB_JOB: job, GITHUB_WORKFLOW: workflow } = process.env;

async function main(): Promise<void> {
  const key = input('api-key');
  if (key) mask(key);
  const { prefixes, selectors } = wanted();
  const ttl = Math.max(seconds('ttl'), 1);
  const request = {
    users: await selectorsOf(selectors, settings(), farm()),
    owner: input('owner') || `${repository}/${run}/${job}`, note: workflow ?? '', ttl_seconds: ttl,
  };
  const say = (line: string) => process.stdout.write(`userfarm: ${line}\n`);
  const { lease } = await acquire(farm(), request, seconds('wait'), new AbortController().signal, say);
  mask(lease.lease_id);
  tell('GITHUB_STATE', 'lease', lease.lease_id);
  tell('GITHUB_ENV', 'USERFARM_URL', settings().url);
  const values = lease.users.flatMap(({ login, password, user_id: id, fence }, i) => {
    mask(password);
    say(`${login}, fence ${fence}`);
    const of = prefixes[i]!;
    return [[`${of}login`, login], [`${of}password`, password], [`${of}user_id`, id], [`${of}fence`, String(fence)]] as const;
  });
  for (const [name, value] of [...values, ['lease_id', lease.lease_id] as const]) {
    tell('GITHUB_OUTPUT', name, value);
    tell('GITHUB_ENV', `USERFARM_${name.toUpperCase()}`, value);
  }
  renew(lease.lease_id, ttl);
}

/** Starts the process that renews. The runner ends it with the job, too, because it has RUNNER_TRACKING_ID. */
function renew(lease: string, ttl: number): void {
  const environment = { ...process.env, USERFARM_RENEW: JSON.stringify({ lease, ttl, runner: process.ppid }) };
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'renew.js')], { detached: true, stdio: 'ignore', env: environment });
  child.unref();
  tell('GITHUB_STATE', 'renewer', String(child.pid));
}

main().catch(fail);
