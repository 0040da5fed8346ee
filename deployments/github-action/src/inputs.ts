import { Farm } from '../../../adapters/playwright/src/farm.js';
import type { Selector } from '../../../adapters/playwright/src/options.js';

/** An input of the action, as action.yml names it. */
export function input(name: string): string {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
}

/** A time such as 90, 90s, 5m or 1h30m, in seconds. */
export function seconds(name: string): number {
  const match = /^(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(input(name));
  if (!match) throw new Error(`${name} must be seconds, or a time such as 90s, 5m or 1h30m`);
  const [, hours, minutes, rest] = match.map(part => Number(part ?? 0));
  return hours! * 3600 + minutes! * 60 + rest!;
}

/** The runner does not check that a required input is there. */
export function settings() {
  const url = input('url').replace(/\/+$/, '');
  if (!/^https?:\/\/./.test(url)) throw new Error('url must be like https://farm.example.com');
  return { url, apiKey: input('api-key') || undefined };
}

export function farm(): Farm {
  return new Farm(settings());
}

/** The users that are wanted, with the beginnings of the names of their variables. */
export function wanted(): { prefixes: string[]; selectors: Selector[] } {
  const [project, env, domain] = [input('project'), input('env'), input('domain')];
  const labels = labelsIn(input('labels').split('\n'));
  const common = { ...(project && { project }), ...(env && { env }), ...(domain && { domain }) };
  const users = input('users').split('\n').map(line => line.trim()).filter(Boolean);
  if (users.length === 0) return { prefixes: [''], selectors: [{ ...common, labels }] };
  const named = users.map(line => /^([A-Za-z][A-Za-z0-9_]*)(?:=(.*))?$/.exec(line));
  if (named.some(match => !match)) throw new Error('users must be NAME or NAME=KEY=VALUE,…, one a line');
  return {
    prefixes: named.map(match => `${match![1]}_`),
    selectors: named.map(match => ({ ...common, labels: { ...labels, ...labelsIn((match![2] ?? '').split(',')) } })),
  };
}

function labelsIn(texts: string[]): Record<string, string> {
  return Object.fromEntries(texts.map(text => text.trim()).filter(Boolean).map(text => {
    const at = text.indexOf('=');
    if (at < 1) throw new Error('labels must be KEY=VALUE');
    return [text.slice(0, at), text.slice(at + 1)];
  }));
}
