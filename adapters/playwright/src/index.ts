export { expect } from '@playwright/test';
export { test } from './fixtures.js';
export type { Account } from './account.js';
export type { Selector, Userfarm, UserfarmOptions } from './options.js';
export type { StorageState } from './session.js';
