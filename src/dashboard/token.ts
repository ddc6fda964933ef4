/** The bearer token: in memory, or for as long as the tab is open if the viewer wants that. Never longer. */

/** Where the token is. */
export interface TokenKeeper {
  /** Empty: there is none. */
  current(): string;
  /** Takes another; empty forgets it. */
  set(token: string, keepForTab: boolean): void;
}

const KEY = 'crossfade-token';

/** Begins with what the tab has kept. */
export function createTokenKeeper(): TokenKeeper {
  let token = sessionStorage.getItem(KEY) ?? '';
  return {
    current: () => token,
    set(next, keepForTab) {
      token = next;
      if (keepForTab && next !== '') sessionStorage.setItem(KEY, next);
      else sessionStorage.removeItem(KEY);
    },
  };
}
