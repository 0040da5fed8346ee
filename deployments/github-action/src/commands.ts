import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';

/** Makes the runner hide a text in the log. */
export function mask(secret: string): void {
  process.stdout.write(`::add-mask::${escape(secret)}\n`);
}

/** Ends the step with a message for people. */
export function fail(error: unknown): void {
  process.stdout.write(`::error title=userfarm::${escape((error as Error).message)}\n`);
  process.exitCode = 1;
}

/** Adds a value to a file of the runner: `GITHUB_OUTPUT`, `GITHUB_ENV` or `GITHUB_STATE`. */
export function tell(file: 'GITHUB_OUTPUT' | 'GITHUB_ENV' | 'GITHUB_STATE', name: string, value: string): void {
  const end = randomUUID(); // a value can't end before it
  appendFileSync(process.env[file]!, `${name}<<${end}\n${value}\n${end}\n`);
}

/** What main has told post. */
export function state(name: string): string | undefined {
  return process.env[`STATE_${name}`];
}

function escape(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
