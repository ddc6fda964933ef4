/** FNV-1a's parameters for 32 bits. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Whether a patient's records are the outside program's, if it is given this share of all patients. All records of a
 * patient are on the same side, in every process and every run: whoever writes through the service keeps to the other
 * patients, so that it is known for every record who wrote it last.
 *
 * @param patient the patient's id
 * @param share from 0 (none is) to 1 (all are)
 */
export function belongsToOutsideProgram(patient: string, share: number): boolean {
  let hash = FNV_OFFSET;
  for (let i = 0; i < patient.length; i++) hash = Math.imul(hash ^ patient.charCodeAt(i), FNV_PRIME);
  // Spreads the last characters over the high bits (the finalizer of MurmurHash3).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 < share;
}
