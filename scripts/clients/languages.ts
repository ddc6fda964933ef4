import * as go from './go.ts';
import * as java from './java.ts';
import type { ClientLanguage } from './language.ts';
import * as python from './python.ts';
import * as typescript from './typescript.ts';

/** All clients: what `npm run generate` writes, and what `npm run test:clients` runs, in this order. One more is one more entry. */
export const languages: readonly ClientLanguage[] = [
  { name: 'typescript', ...typescript },
  { name: 'go', ...go },
  { name: 'python', ...python },
  { name: 'java', ...java },
];
