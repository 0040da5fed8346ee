// Nothing secret is in an HTML report, a trace or a JUnit file.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Farm, passwordOf } from './farm.js';
import { run } from './run_playwright.js';
import { Site } from './site.js';
import { totpOf } from './totp.js';

for (const { what, args, failed } of [
  { what: 'reports and traces', args: ['-g', 'passes|fails$', '--trace', 'on'], failed: 1 },
  { what: 'recordings of the network', args: ['-g', 'records its network'], failed: 1 },
  // Playwright writes an error into the trace before a fixture can change it.
  { what: 'the report of an error that quotes the password', args: ['-g', 'password in its error'], failed: 1 },
]) {
  test(`${what} have no secret`, async () => {
    await using farm = await Farm.start();
    await using site = await Site.start();
    const folder = mkdtempSync(path.join(tmpdir(), 'userfarm-reports-'));
    try {
      await farm.add({ login: 'ann', totp_secret: totpOf('ann') });
      const key = (await farm.call<{ token: string }>('POST', '/keys', { name: 'root', role: 'admin' })).token;
      const { code, output } = await run(farm, site, ['secrets.spec.ts', '--reporter', 'html,junit,list', '--output', path.join(folder, 'results'), ...args], {
        USERFARM_API_KEY: key,
        PLAYWRIGHT_HTML_OUTPUT_DIR: path.join(folder, 'html'), PLAYWRIGHT_HTML_OPEN: 'never', PLAYWRIGHT_JUNIT_OUTPUT_FILE: path.join(folder, 'junit.xml'),
      });
      assert.equal(code, 1, output);
      assert.match(output, new RegExp(`${failed} failed`));

      unpack(folder);
      const texts = filesIn(folder).map(file => [file, readFileSync(file, 'latin1')] as const);
      const found = (text: string) => texts.filter(([, content]) => content.includes(text)).map(([file]) => path.relative(folder, file));
      assert.notDeepEqual(found('ann, fence 1'), [], 'the report names the account');
      assert.equal(texts.some(([file]) => file.endsWith('.trace')), args.includes('--trace'), 'traces');
      assert.deepEqual(found(passwordOf('ann')), [], 'password');
      assert.deepEqual(found(key), [], 'API key');
      assert.deepEqual(found('/v1/leases/'), [], 'lease id');
      assert.deepEqual(found('{"cookies":[{"name":"session"'), [], 'session');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Unpacks all archives: traces, and the data in the page of the HTML report. */
function unpack(folder: string): void {
  for (const file of filesIn(folder)) {
    if (file.endsWith('.html')) {
      const data = /data:application\/zip;base64,([^"<]*)/.exec(readFileSync(file, 'utf8'))?.[1];
      if (data) unzip(Buffer.from(data, 'base64'), `${file}.data`);
    }
    if (file.endsWith('.zip')) unzip(readFileSync(file), `${file}.data`);
  }
}

function unzip(archive: Buffer, folder: string): void {
  const script = 'import io, sys, zipfile; zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())).extractall(sys.argv[1])';
  execFileSync('python3', ['-c', script, folder], { input: archive });
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => path.join(folder, name)).filter(file => statSync(file).isFile());
}
