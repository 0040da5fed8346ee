// Where the farm and the API key come from, and which selectors are meant.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Farm } from '../dist/farm.js';
import { run } from '../dist/owner.js';
import { profilesPath } from '../dist/profile.js';
import { selectorsOf } from '../dist/project.js';
import { settingsOf } from '../dist/settings.js';
import { overlap, wantOf } from '../dist/want.js';

const home = mkdtempSync(path.join(tmpdir(), 'userfarm-config-'));
const environment = { XDG_CONFIG_HOME: home };
const file = profilesPath(environment);
mkdirSync(path.dirname(file));
writeFileSync(path.join(path.dirname(file), 'lab.key'), 'key of lab\n');
write({
  default: 'work',
  profiles: {
    work: { url: 'https://farm.example.com/', api_key: 'key of work', project: 'Shop' },
    lab: { url: 'http://lab:8000', api_key_file: 'lab.key', env: 'stage' },
  },
});

after(() => rmSync(home, { recursive: true }));

function write(profiles: object): void {
  writeFileSync(file, JSON.stringify(profiles));
  chmodSync(file, 0o600);
}

test('options count before the environment, that before the profile, and that before the defaults', () => {
  const work = { url: 'https://farm.example.com', apiKey: 'key of work', project: 'Shop', env: undefined };
  assert.deepEqual(settingsOf({}, environment), work);
  assert.deepEqual(settingsOf({}, { ...environment, USERFARM_PROFILE: 'lab' }), { url: 'http://lab:8000', apiKey: 'key of lab', project: undefined, env: 'stage' });
  assert.equal(settingsOf({ profile: 'work' }, { ...environment, USERFARM_PROFILE: 'lab' }).url, work.url);
  assert.equal(settingsOf({}, { ...environment, USERFARM_API_KEY: 'key of CI' }).apiKey, 'key of CI');
  assert.equal(settingsOf({ apiKey: 'mine', url: 'http://mine' }, { ...environment, USERFARM_API_KEY: 'key of CI', USERFARM_URL: 'http://ci' }).apiKey, 'mine');
  assert.equal(settingsOf({}, { XDG_CONFIG_HOME: path.join(home, 'none') }).url, 'http://127.0.0.1:8000');
});

test('the key of a profile is for its farm only', () => {
  assert.equal(settingsOf({}, { ...environment, USERFARM_URL: 'http://elsewhere' }).apiKey, undefined);
});

test('the folder of the profiles is that of the command', () => {
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    assert.equal(profilesPath({ XDG_CONFIG_HOME: '/config' }, platform), '/config/userfarm/profiles.json');
    assert.doesNotMatch(profilesPath({ XDG_CONFIG_HOME: 'not/absolute', LOCALAPPDATA: '/local' }, platform), /not/);
  }
  assert.equal(profilesPath({ LOCALAPPDATA: '/local' }, 'win32'), '/local/userfarm/profiles.json');
});

test('the owner is the run of the CI', () => {
  assert.equal(run({ GITHUB_REPOSITORY: 'acme/shop', GITHUB_RUN_ID: '4711', GITHUB_JOB: 'e2e' }), 'acme/shop/4711/e2e');
  assert.equal(run({ CI_PROJECT_PATH: 'acme/shop', CI_PIPELINE_ID: '4711', CI_JOB_NAME: 'e2e', BUILD_TAG: '' }), 'acme/shop/4711/e2e');
  assert.equal(run({ BUILD_TAG: 'jenkins-shop-12' }), 'jenkins-shop-12');
  assert.equal(run({ BUILD_TAG: 'jenkins-shop-12', USERFARM_OWNER: 'nightly' }), 'nightly');
  assert.match(run({}), /^.+@.+$/);
});

test('a file with a key that others can read is refused', () => {
  chmodSync(file, 0o640);
  assert.throws(() => settingsOf({}, environment), /has an API key, and others on this machine can read it: chmod 600/);
  chmodSync(file, 0o600);
});

test('a profile that is not there is named', () => {
  assert.throws(() => settingsOf({ profile: 'wrok' }, environment), /there is no profile "wrok" in .*, which has work, lab/);
});

test('want is one selector, or several with names', () => {
  assert.deepEqual(wantOf({ env: 'stage' }).names, ['account']);
  assert.deepEqual(wantOf({ seller: { env: 'stage' }, buyer: {} }).names, ['seller', 'buyer']);
  assert.throws(() => wantOf({ seller: { lables: {} } } as never), /want\.seller: unknown field "lables"/);
  assert.throws(() => wantOf({ evn: 'stage' } as never), /unknown field "evn"/);
});

test('a project has a name or an id', async () => {
  const id = '5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39';
  const farm = { projectNames: () => Promise.resolve({ projects: [{ project_id: id, name: 'Shop' }] }) } as unknown as Farm;
  assert.deepEqual(await selectorsOf([{ project: 'SHOP' }, { project: id, env: 'lab' }, {}], { url: '', project: 'Shop', env: 'stage' }, farm), [
    { env: 'stage', project_id: id }, { env: 'lab', project_id: id }, { env: 'stage', project_id: id },
  ]);
  await assert.rejects(selectorsOf([{ project: 'Shpo' }], { url: '' }, farm), /there is no project "Shpo"/);
});

test('selectors overlap unless a field differs', () => {
  assert.ok(overlap({ env: 'stage' }, { labels: { role: 'buyer' } }));
  assert.ok(!overlap({ labels: { role: 'seller' } }, { labels: { role: 'buyer' } }));
});
