import type { Problem } from './problem.js';

const most = 3; // holders that one line names

/** Says who has the accounts, or why nobody can get them; with notes, also what for. */
export function holders({ held_by: heldBy = [], all_quarantined: quarantined = [] }: Problem, { notes = false } = {}): string[] {
  const said = heldBy.slice(0, most).map(({ login, owner, expires_at: until, note }) => {
    const end = until ? ` until ${clock(new Date(until))}` : '';
    return `${login} is held by ${owner || 'a caller without a name'}${end}${notes && note ? ` (${note})` : ''}`;
  });
  if (heldBy.length > most) said.push(`and ${heldBy.length - most} more`);
  if (quarantined.length > 0) said.push('too many users that match are in quarantine: restore one, or add users');
  return said;
}

/** The local time of day, as 14:03:05. */
export function clock(time: Date): string {
  return time.toTimeString().slice(0, 8);
}
