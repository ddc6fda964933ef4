// From the names of tables and columns to the names of the API: `FilmActor`, `filmActors`, `film_actor`. Rules of English
// plurals are a guess with a short list of exceptions; a name that it gets wrong is a bit odd, never wrong in function.

const IRREGULAR_PLURALS: Readonly<Record<string, string>> = {
  person: 'people',
  child: 'children',
  man: 'men',
  woman: 'women',
  foot: 'feet',
  tooth: 'teeth',
  mouse: 'mice',
  index: 'indices',
  matrix: 'matrices',
  vertex: 'vertices',
  quiz: 'quizzes',
  hero: 'heroes',
  potato: 'potatoes',
  tomato: 'tomatoes',
  echo: 'echoes',
  shelf: 'shelves',
  wolf: 'wolves',
  knife: 'knives',
  wife: 'wives',
  life: 'lives',
  leaf: 'leaves',
  half: 'halves',
  movie: 'movies',
  cookie: 'cookies',
  tie: 'ties',
  selfie: 'selfies',
  calorie: 'calories',
  cache: 'caches',
  niche: 'niches',
  shoe: 'shoes',
};
const IRREGULAR_SINGULARS = Object.fromEntries(
  Object.entries(IRREGULAR_PLURALS).map(([singular, plural]) => [plural, singular]),
);
/** One form for both. */
const UNCOUNTED_WORDS = new Set(['series', 'species', 'news', 'staff', 'equipment', 'information', 'software', 'data']);

/** The words of a name, in lower case and ASCII: `GNPOld`, `order-details`, `Straße` as `gnp old`, `order details`, `strasse`. */
export function wordsOf(name: string): string[] {
  const ascii = name
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
  return ascii.split(/[^a-z0-9]+/).filter((word) => word !== '');
}

/**
 * A name in the form of proto fields, `order_number`.
 *
 * @param fallback what stands in where no letter can be kept, or before a leading digit.
 */
export function snakeName(name: string, fallback: string): string {
  const words = wordsOf(name);
  if (words.length === 0) return fallback;
  const joined = words.join('_');
  return /^[a-z]/.test(joined) ? joined : `${fallback}_${joined}`;
}

/** `order_detail` as `OrderDetail`. */
export function pascalName(snake: string): string {
  return snake
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** `order_detail` as `orderDetail`. */
export function camelName(snake: string): string {
  const pascal = pascalName(snake);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** `order_detail` as `order detail`, for comments. */
export function spokenName(snake: string): string {
  return snake.replaceAll('_', ' ');
}

/** The singular of a name's last word: `order_details` as `order_detail`. */
export function singularOf(snake: string): string {
  return replaceLastWord(snake, singularWord);
}

/** The plural of a name's last word; the same if the language has one form for both. */
export function pluralOf(snake: string): string {
  return replaceLastWord(snake, pluralWord);
}

function replaceLastWord(snake: string, change: (word: string) => string): string {
  const words = snake.split('_');
  return [...words.slice(0, -1), change(words.at(-1) ?? '')].join('_');
}

function singularWord(word: string): string {
  if (UNCOUNTED_WORDS.has(word)) return word;
  const irregular = IRREGULAR_SINGULARS[word];
  if (irregular !== undefined) return irregular;
  if (/(ss|us|is)$/.test(word) || word.length < 4) return word;
  if (/(analy|cri|the|hypothe|synop)ses$/.test(word)) return word.replace(/es$/, 'is');
  if (/(stat|vir|camp|bon|b)uses$/.test(word)) return word.slice(0, -2);
  if (/(ss|sh|ch|x|zz)es$/.test(word)) return word.slice(0, -2);
  if (/[^aeiou]ies$/.test(word)) return `${word.slice(0, -3)}y`;
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function pluralWord(word: string): string {
  if (UNCOUNTED_WORDS.has(word)) return word;
  const irregular = IRREGULAR_PLURALS[word];
  if (irregular !== undefined) return irregular;
  if (/sis$/.test(word)) return word.replace(/is$/, 'es');
  if (/(s|x|z|ch|sh)$/.test(word)) return `${word}es`;
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return `${word}s`;
}

/** Hands out names, each only once: the second `film` is `film_2`. */
export interface NameSpace {
  /** @param wanted in the form of proto fields. */
  take(wanted: string): string;
  has(name: string): boolean;
}

/**
 * A name space of proto fields. Names that differ in underscores only are taken for the same, as they are in JSON.
 *
 * @param taken names that nobody gets.
 */
export function createNameSpace(taken: Iterable<string>): NameSpace {
  const used = new Set([...taken].map(camelName));
  const has = (name: string): boolean => used.has(camelName(name));
  return {
    has,
    take(wanted) {
      let name = wanted;
      for (let n = 2; has(name); n++) name = `${wanted}_${n}`;
      used.add(camelName(name));
      return name;
    },
  };
}
