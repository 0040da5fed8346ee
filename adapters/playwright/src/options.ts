import type { Page } from '@playwright/test';
import type { Account } from './account.js';

/** Which account is wanted: any account that has everything that is named. `{}` is any account. */
export interface Selector {
  /** The name of a project, or its id. */
  project?: string;
  env?: string;
  domain?: string;
  labels?: Record<string, string>;
}

/** The settings of the fixtures. They go under `use` of the configuration, and into `test.use`, which changes only what it names. */
export interface UserfarmOptions {
  /** One account, or several with a name for each. Any account by default. */
  want?: Selector | Record<string, Selector>;

  /** How many seconds the account is missing if the worker is killed with `kill -9`. The default is 60. */
  ttl?: number;

  /** How many seconds to wait in line while others have the accounts. The default is 300. */
  wait?: number;

  /** `quarantine` takes the account out of circulation if the test fails. The default is `release`. */
  onFailure?: 'release' | 'quarantine';

  /** Signs in, in a page that is not recorded. What it leaves in the browser is saved for the next test. */
  signIn?: (page: Page, account: Account) => Promise<void>;

  /** Whether the site still accepts a saved session. An error counts as a no. */
  isSignedIn?: (page: Page, account: Account) => Promise<boolean>;

  /** The farm. The default is `USERFARM_URL`, then that of the profile, then `http://127.0.0.1:8000`. */
  url?: string;

  /** The API key. The default is `USERFARM_API_KEY`, then that of the profile. */
  apiKey?: string;

  /** The profile that has the farm and the API key. The default is `USERFARM_PROFILE`, then the default of the file. */
  profile?: string;
}

/** Type argument of `defineConfig`, so that it knows `userfarm`. */
export interface Userfarm {
  userfarm: UserfarmOptions;
}
