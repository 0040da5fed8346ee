import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Says where a farm is, who asks, and for which accounts by default. */
export interface Profile {
  url?: string;
  apiKey?: string;
  project?: string;
  env?: string;
}

const fields: readonly string[] = ['url', 'api_key', 'api_key_file', 'project', 'env'];

/** The file in the folder that the platform has for such files. */
export function profilesPath(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const home = homedir();
  const said = environment.XDG_CONFIG_HOME ?? '';
  const folder =
    path.isAbsolute(said) ? said
    : platform === 'win32' ? environment.LOCALAPPDATA || path.join(home, 'AppData', 'Local')
    : platform === 'darwin' ? path.join(home, 'Library', 'Application Support')
    : path.join(home, '.config');
  return path.join(folder, 'userfarm', 'profiles.json');
}

/** Reads a profile, the default one without a name. A file that does not exist has no profiles. No error quotes a value. */
export function readProfile(file: string, name?: string): Profile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (name) throw new Error(`userfarm: there is no profile "${name}": ${file} does not exist`);
    return {};
  }
  const parsed = parse(file, text);
  const profiles = members(file, 'profiles', parsed.profiles ?? {});
  refuseReadable(file, profiles);
  const picked = name || parsed.default;
  if (!picked) return {};
  if (typeof picked !== 'string' || !(picked in profiles)) {
    throw new Error(`userfarm: there is no profile "${picked}" in ${file}, which has ${Object.keys(profiles).join(', ') || 'none'}`);
  }
  return profileOf(file, picked, members(file, `profile "${picked}"`, profiles[picked]));
}

function parse(file: string, text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error(`userfarm: ${file} is not JSON`);
  }
  return members(file, 'the file', parsed);
}

function members(file: string, what: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`userfarm: ${file}: ${what} must be an object`);
  }
  return value as Record<string, unknown>;
}

/** Refuses a file with an API key that others can read. The mode of a file says nothing on Windows. */
function refuseReadable(file: string, profiles: Record<string, unknown>): void {
  const mode = statSync(file).mode & 0o777;
  const hasKey = Object.values(profiles).some(profile => (profile as { api_key?: unknown } | null)?.api_key);
  if (hasKey && process.platform !== 'win32' && mode & 0o077) {
    throw new Error(`userfarm: ${file} has an API key, and others on this machine can read it: chmod 600 ${file}`);
  }
}

function profileOf(file: string, name: string, profile: Record<string, unknown>): Profile {
  for (const [field, value] of Object.entries(profile)) {
    if (!fields.includes(field)) throw new Error(`userfarm: ${file}: profile "${name}" has the unknown field "${field}"; known are ${fields.join(', ')}`);
    if (typeof value !== 'string') throw new Error(`userfarm: ${file}: profile "${name}": ${field} must be a text`);
  }
  const { url, api_key: key, api_key_file: keyFile, project, env } = profile as Record<string, string | undefined>;
  if (key && keyFile) throw new Error(`userfarm: ${file}: profile "${name}" has both api_key and api_key_file`);
  const apiKey = keyFile ? readFileSync(path.resolve(path.dirname(file), keyFile), 'utf8').trim() : key;
  return { ...(url && { url }), ...(apiKey && { apiKey }), ...(project && { project }), ...(env && { env }) };
}
