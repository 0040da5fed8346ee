import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Farm } from './farm.js';
import type { Site } from './site.js';

const root = path.resolve(import.meta.dirname, '..');

/** A run of `playwright test` as its user reads it. */
export interface Run {
  code: number | null;
  output: string;
}

export interface Running {
  process: ChildProcess;
  ended: Promise<Run>;
}

/** Starts the tests of a file of `suites`. */
export function start(farm: Farm, site: Site | undefined, args: string[], environment: Record<string, string> = {}): Running {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_TEST|USERFARM_|CI|GITHUB_|BUILD_|FORCE_COLOR)/.test(name)));
  const results = mkdtempSync(path.join(tmpdir(), 'userfarm-results-'));
  const child = spawn(path.join(root, 'node_modules/.bin/playwright'), ['test', '--config', 'test/suites', '--output', results, ...args], {
    cwd: root,
    env: { ...inherited, USERFARM_URL: farm.url, USERFARM_OWNER: 'ci-4711', SITE: site?.url ?? '', XDG_CONFIG_HOME: farm.folder, ...environment },
  });
  let output = '';
  child.stdout.on('data', chunk => (output += String(chunk)));
  child.stderr.on('data', chunk => (output += String(chunk)));
  const ended = new Promise<Run>(resolve => child.once('close', code => {
    try {
      if (!environment.KEEP) rmSync(results, { recursive: true, force: true, maxRetries: 10 });
    } catch {
      // A browser that is about to end may still write: its files stay in the temporary folder.
    }
    resolve({ code, output });
  }));
  return { process: child, ended };
}

export function run(farm: Farm, site: Site | undefined, args: string[], environment?: Record<string, string>): Promise<Run> {
  return start(farm, site, args, environment).ended;
}
