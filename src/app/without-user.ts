/** An address as it may be shown: it can name a user and a password. */
export function withoutUser(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
