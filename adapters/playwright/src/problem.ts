import type { components } from './openapi.js';
import { holders } from './holders.js';

export type Problem = components['schemas']['Problem'];

/** An error of a call of the farm. It has no password, lease id, API key or idempotency key. */
export class FarmError extends Error {
  override name = 'FarmError';

  constructor(
    operation: string,
    text: string,
    /** Absent if the farm did not answer with a problem. */
    readonly problem?: Problem,
    readonly retryAfter = 0,
  ) {
    super(`userfarm: ${operation}: ${text}`);
    this.stack = `${this.name}: ${this.message}`; // where this package found it out tells nobody anything
  }

  get code(): Problem['code'] | undefined {
    return this.problem?.code;
  }

  /** Whether the accounts exist, so that waiting may help. */
  get mayPass(): boolean {
    return this.code === 'pool_exhausted' || this.code === 'user_locked' || this.code === 'user_quarantined';
  }
}

/** Says in words what a problem means for a person who runs tests. */
export function textOf(problem: Problem): string {
  switch (problem.code) {
    case 'pool_exhausted':
    case 'user_locked':
    case 'user_quarantined': {
      const said = [...holders(problem), ...(problem.waiting ? [`waiting in line: ${problem.waiting}`] : [])];
      const title = problem.title.charAt(0).toLowerCase() + problem.title.slice(1);
      return `${[title, said.join(', ')].filter(Boolean).join(': ')}; wait longer (wait), or see who has the users: userfarm who`;
    }
    case 'unauthorized':
      return `${problem.detail} Put an API key into USERFARM_API_KEY, or keep it in a profile.`;
    case 'invalid':
    case 'forbidden':
      return [problem.detail, ...problem.errors.map(({ pointer, detail }) => `${pointer} ${detail}`)].join(' ');
    default:
      return problem.detail;
  }
}
