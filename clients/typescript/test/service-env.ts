/** Where the service is that `npm run test:clients` has started. Throws where it has not. */
export function serviceEnv(name: string): string {
  const value = process.env[`CROSSFADE_TEST_${name}`];
  if (value === undefined)
    throw new Error(`CROSSFADE_TEST_${name} is not set: run npm run test:clients -- --only typescript`);
  return value;
}

let ids = Date.now() * 1_000;

/** An id that no other medication of these tests has. */
export function newId(): string {
  ids += 1;
  return String(ids);
}
