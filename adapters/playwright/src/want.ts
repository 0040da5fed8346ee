import type { Selector } from './options.js';
import type { components } from './openapi.js';

type Wanted = components['schemas']['Selector'];

/** The accounts that are wanted, in the order of the request. */
export interface Want {
  /** The names of the accounts. One account without a name is `account`. */
  names: string[];
  selectors: Selector[];
}

const fields: ReadonlySet<string> = new Set<keyof Selector>(['project', 'env', 'domain', 'labels']);

/** Tells one selector from several with names: all members of a selector are fields. */
export function wantOf(want: Selector | Record<string, Selector> = {}): Want {
  const entries = Object.entries(want) as [string, unknown][];
  if (entries.every(([name]) => fields.has(name))) {
    return { names: ['account'], selectors: [want as Selector] };
  }
  for (const [name, selector] of entries) {
    if (fields.has(name) || typeof selector !== 'object' || selector === null) {
      throw new Error(`userfarm: want: ${fields.has(name) ? `"${name}" can't be the name of an account` : unknownField(name)}`);
    }
    const unknown = Object.keys(selector).find(field => !fields.has(field));
    if (unknown !== undefined) throw new Error(`userfarm: want.${name}: ${unknownField(unknown)}`);
  }
  return { names: entries.map(([name]) => name), selectors: entries.map(([, selector]) => selector as Selector) };
}

function unknownField(name: string): string {
  return `unknown field "${name}"; known are ${[...fields].join(', ')}`;
}

/** Reports whether one account can match both selectors. */
export function overlap(a: Wanted, b: Wanted): boolean {
  const differ = (x?: string, y?: string) => x !== undefined && y !== undefined && x !== y;
  return (
    !differ(a.project_id, b.project_id) && !differ(a.env, b.env) && !differ(a.domain, b.domain) && !differ(a.user_id, b.user_id) &&
    !Object.entries(a.labels ?? {}).some(([key, value]) => differ(value, b.labels?.[key]))
  );
}
