/** The named bounds of jobs, chunks and mismatches. */

/** The most jobs of one page. */
export const MAX_JOBS = 1_000;

/** The longest error text of a job, which is what its column holds. */
export const MAX_JOB_ERROR_CHARS = 1_024;

/** Chunks added by one statement. */
export const CHUNKS_PER_INSERT = 128;

/** Chunks that may be free, looked at at once by one who wants to lease one: about as many as there are rivals. */
export const CHUNK_CANDIDATES = 16;

/** How often somebody whose candidates were all taken by others looks again before it says that there is none now. */
export const MAX_CHUNK_LOOKS = 10;

/** Keys of mismatches closed by one statement. */
export const KEYS_PER_CLOSE = 128;

/** The most mismatches of one page. */
export const MAX_MISMATCHES = 10_000;
