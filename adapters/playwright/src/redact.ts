/** A way to take secrets out of a text. */
export type Redact = (text: string) => string;

interface Shown {
  message?: string;
  stack?: string;
  value?: string;
  cause?: unknown;
}

/** Takes secrets out of an error, in place. */
export function redactError(error: unknown, redact: Redact): void {
  if (typeof error !== 'object' || error === null) return;
  const shown = error as Shown;
  for (const field of ['message', 'stack', 'value'] as const) {
    if (typeof shown[field] === 'string') shown[field] = redact(shown[field]);
  }
  redactError(shown.cause, redact);
}
