import { readFileSync } from 'node:fs';
import type { UserfarmOptions } from './options.js';
import { profilesPath, readProfile } from './profile.js';

/** Where the farm is, who asks, and what selectors want that do not say it themselves. */
export interface Settings {
  url: string;
  apiKey?: string | undefined;
  project?: string | undefined;
  env?: string | undefined;
}

/** Settings in the order in which they count: options, environment, profile, defaults. */
export function settingsOf(options: UserfarmOptions, environment: NodeJS.ProcessEnv = process.env): Settings {
  const profile = readProfile(profilesPath(environment), options.profile || environment.USERFARM_PROFILE);
  const url = (options.url || environment.USERFARM_URL || profile.url || 'http://127.0.0.1:8000').replace(/\/+$/, '');
  // The key of a profile is sent to the address of that profile only: no other farm must get it.
  const ofProfile = profile.url === undefined || profile.url.replace(/\/+$/, '') === url ? profile.apiKey : undefined;
  const apiKey = options.apiKey || keyIn(environment) || ofProfile;
  return { url, apiKey, project: profile.project, env: profile.env };
}

function keyIn(environment: NodeJS.ProcessEnv): string | undefined {
  const file = environment.USERFARM_API_KEY_FILE;
  return file ? readFileSync(file, 'utf8').trim() : environment.USERFARM_API_KEY;
}
