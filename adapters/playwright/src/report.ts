import type { TestInfo } from '@playwright/test';

/** Says something to people. The function that it returns changes the text, if it can be changed. */
export type Report = (type: string, text: string) => (text: string) => void;

/** Annotates the test. What is no account is on the terminal, too, where people wonder why nothing happens. */
export function reportIn(testInfo: TestInfo): Report {
  return (type, text) => {
    const annotation = { type, description: text };
    testInfo.annotations.push(annotation);
    if (type === 'userfarm') reportOnTerminal(type, text);
    return changed => (annotation.description = changed);
  };
}

/** For a worker, which is no part of a report. */
export const reportOnTerminal: Report = (type, text) => {
  if (type === 'userfarm') process.stderr.write(`userfarm: ${text}\n`);
  return () => undefined;
};
