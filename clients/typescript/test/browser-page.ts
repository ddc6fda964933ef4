/** What the tests of a browser call in their page: a session there, and what came of it. */

import { Medications } from '../gen/hospital/v1/medications_pb.ts';
import {
  type BrowserSessionOptions,
  createBrowserSession,
  isOutcomeUnknown,
  reasonOf,
  type Session,
} from '../src/browser.ts';

/** In the page as `crossfade`. */
export interface TestPage {
  begin(options: BrowserSessionOptions): void;
  /** Calls a method of the medications with a request in JSON's types; what it answers, or how it failed. */
  call(method: keyof typeof Medications.method, request: object): Promise<Outcome>;
}

/** How a call ended, in values that cross from the page to the test. */
export interface Outcome {
  readonly name?: string;
  readonly note?: string | undefined;
  readonly version?: string;
  readonly error?: { readonly code: number; readonly reason: string | undefined; readonly isOutcomeUnknown: boolean };
}

let session: Session;

const page: TestPage = {
  begin: (options) => {
    session = createBrowserSession(options);
  },
  call: async (method, request) => {
    const client = session.client(Medications) as unknown as Record<string, (request: object) => Promise<Outcome>>;
    try {
      const { name = '', note } = (await client[method]?.(request)) ?? {};
      return { name, note, version: session.versionOf(name).toString() };
    } catch (error) {
      const { code } = error as { code: number };
      return { error: { code, reason: reasonOf(error), isOutcomeUnknown: isOutcomeUnknown(error) } };
    }
  },
};

Object.assign(globalThis, { crossfade: page });
