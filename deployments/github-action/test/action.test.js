// The action with a farm, and a program in the place of the runner.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const action = path.resolve(import.meta.dirname, '..');
const folder = mkdtempSync(path.join(tmpdir(), 'userfarm-action-'));
let farm, url, files;

before(async () => {
  farm = spawn(process.env.USERFARM, ['serve', '--store', 'memory:', '--listen', '127.0.0.1:0']);
  url = await new Promise(resolve => farm.stderr.on('data', log => {
    const address = /"address":"([^"]*)"/.exec(log)?.[1];
    if (address) resolve(address);
  }));
  for (const login of ['ann', 'bob']) {
    const user = { login, password: `50% of ${login}`, project_id: '5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39', env: 'stage', domain: 'shop', labels: { role: login === 'ann' ? 'buyer' : 'seller' } };
    await fetch(`${url}/v1/users`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(user) });
  }
});

after(() => {
  farm.kill();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  files = Object.fromEntries(['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_STATE'].map(name => [name, path.join(folder, name)]));
  for (const file of Object.values(files)) writeFileSync(file, '');
});

/** The environment that the runner gives an action. */
function environment(inputs) {
  const given = Object.fromEntries(Object.entries({ url, wait: '1', ttl: '3', ...inputs }).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
  return { PATH: process.env.PATH, GITHUB_REPOSITORY: 'shop/web', GITHUB_RUN_ID: '4711', GITHUB_JOB: 'e2e', ...files, ...given };
}

/** What an action has told the runner in a file. */
function told(name) {
  return Object.fromEntries([...readFileSync(files[name], 'utf8').matchAll(/^(\w+)<<(\S+)\n([\s\S]*?)\n\2$/gm)].map(([, key, , value]) => [key, value]));
}

/** Runs main in a runner that stays alive, or fails. */
async function main(inputs) {
  const program = `const { status } = require('node:child_process').spawnSync(process.execPath, ['dist/main.js'], { stdio: 'inherit' });
    if (status) process.exit(status); console.log('main has ended'); setInterval(() => {}, 1000)`;
  const runner = spawn(process.execPath, ['-e', program], { cwd: action, env: environment(inputs) });
  let log = '';
  const code = await new Promise(resolve => {
    runner.stdout.on('data', chunk => { log += chunk; if (log.includes('main has ended')) resolve(0); });
    runner.once('close', resolve);
  });
  return { runner, code, log };
}

function post(inputs) {
  const state = Object.fromEntries(Object.entries(told('GITHUB_STATE')).map(([name, value]) => [`STATE_${name}`, value]));
  return spawnSync(process.execPath, ['dist/post.js'], { cwd: action, env: { ...environment(inputs), ...state }, encoding: 'utf8' });
}

/** Whether the process that renews is alive. One that has ended and that nobody has waited for is not. */
function renews() {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', told('GITHUB_STATE').renewer], { encoding: 'utf8' });
  return /^[^Z]/.test(stdout);
}

async function held() {
  const { users } = await (await fetch(`${url}/v1/users?status=locked`)).json();
  return users.map(({ login, lock }) => `${login} ${lock.owner}`);
}

test('a job has its user until it ends', async () => {
  const { runner, code, log } = await main({ env: 'stage', labels: 'role=buyer' });
  assert.equal(code, 0, log);
  const output = told('GITHUB_OUTPUT');
  assert.equal(output.login, 'ann');
  assert.equal(output.password, '50% of ann');
  assert.deepEqual(told('GITHUB_ENV'), {
    USERFARM_URL: url, USERFARM_LOGIN: 'ann', USERFARM_PASSWORD: '50% of ann', USERFARM_USER_ID: output.user_id, USERFARM_FENCE: '1', USERFARM_LEASE_ID: output.lease_id,
  });
  assert.ok(log.includes('::add-mask::50%25 of ann\n'), log);
  assert.ok(log.includes(`::add-mask::${output.lease_id}\n`), log);
  await sleep(5000); // longer than its time to live
  assert.deepEqual(await held(), ['ann shop/web/4711/e2e']);
  assert.equal(post({}).status, 0);
  assert.deepEqual(await held(), []);
  assert.ok(!renews(), 'nothing renews');
  runner.kill();
});

test('a runner that is killed leaves only the time to live', async () => {
  const { runner } = await main({ env: 'stage', labels: 'role=buyer' });
  runner.kill('SIGKILL');
  await sleep(1500);
  assert.ok(!renews(), 'nothing renews');
  await sleep(3000);
  assert.deepEqual(await held(), []);
});

test('a job that has lost its user fails in its last step, and says why', async () => {
  const { runner } = await main({ env: 'stage', labels: 'role=buyer' });
  await fetch(`${url}/v1/users/${told('GITHUB_OUTPUT').user_id}/force-release`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
  const { status, stdout } = post({});
  assert.equal(status, 1);
  assert.match(stdout, /^::error title=userfarm::userfarm: the lease is lost, so another test may have used the account: release: The lease was ended by force/m);
  assert.ok(!renews(), 'nothing renews');
  runner.kill();
});

test('a mistake in an input is named', async () => {
  for (const [inputs, message] of [
    [{ wait: 'soon' }, 'wait must be seconds, or a time such as 90s, 5m or 1h30m'],
    [{ wait: '' }, 'wait must be seconds, or'],
    [{ url: '' }, 'url must be like https://farm.example.com'],
    [{ labels: 'buyer' }, 'labels must be KEY=VALUE'],
  ]) {
    const { code, log } = await main(inputs);
    assert.equal(code, 1, log);
    assert.ok(log.includes(`::error title=userfarm::${message}`), log);
  }
});

test('several users have names', async () => {
  const { runner } = await main({ env: 'stage', wait: '1m', users: 'seller=role=seller\nbuyer=role=buyer' });
  const { USERFARM_SELLER_LOGIN: seller, USERFARM_BUYER_LOGIN: buyer } = told('GITHUB_ENV');
  assert.deepEqual([seller, buyer], ['bob', 'ann']);
  const late = await main({ env: 'stage', labels: 'role=buyer' });
  assert.equal(late.code, 1);
  assert.match(late.log, /::error title=userfarm::userfarm: acquire: no matching user is free:%0A  ann is held by shop\/web\/4711\/e2e until/);
  assert.equal(post({}).status, 0);
  assert.deepEqual(await held(), []);
  runner.kill();
});
