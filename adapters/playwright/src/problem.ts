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

/** Says in words what a problem means for a person who runs tests. Reports do not break lines, so a list has one for each part. */
export function textOf(problem: Problem): string {
  switch (problem.code) {
    case 'pool_exhausted':
    case 'user_locked':
    case 'user_quarantined':
      return listOf(problem, [...holders(problem, { notes: true }), ...(problem.waiting ? [`waiting in line: ${problem.waiting}`] : [])],
        'wait longer (wait), or see who has the users: userfarm who');
    case 'no_match':
      return listOf(problem, problem.detail.split(/ For \/users\/\d+: /).slice(1), 'userfarm users list shows which users there are');
    case 'unauthorized':
      return `${problem.detail} Put an API key into USERFARM_API_KEY, or keep it in a profile.`;
    case 'invalid':
    case 'forbidden':
      return [problem.detail, ...problem.errors.map(({ pointer, detail }) => `${pointer} ${detail}`)].join(' ');
    default:
      return problem.detail;
  }
}

function listOf({ title }: Problem, parts: string[], advice: string): string {
  const first = title.charAt(0).toLowerCase() + title.slice(1) + (parts.length > 0 ? ':' : '');
  return [first, ...parts.map(part => `  ${part}`), advice].join('\n');
}
