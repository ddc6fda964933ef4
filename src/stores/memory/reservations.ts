import type { IndexCodec } from '../../domain/index-entry.ts';
import type { ReservationTable, Taken } from '../unique-reservations.ts';
import type { MemoryTable } from './table.ts';

/** The reservations of one resource in memory, by index and entry. One object serves all clients. */
export class MemoryReservations {
  readonly #taken = new Map<string, Taken>();
  readonly #table: MemoryTable;

  constructor(table: MemoryTable) {
    this.#table = table;
  }

  /**
   * As one client reaches them.
   *
   * @param way - Waited for on each way there and back.
   */
  through(way: (step: 'there' | 'back') => Promise<void>): ReservationTable {
    const going = async <Answer>(arrive: () => Answer): Promise<Answer> => {
      await way('there');
      const answer = arrive();
      await way('back');
      return answer;
    };
    return {
      look: (codec, entry) => going(() => this.#taken.get(idOf(codec, entry)) ?? { holder: null, attempt: null }),
      isTaken: (codec, entry, by) => going(() => this.#table.inEntry(codec, entry).some(({ key }) => key.id !== by.id)),
      take: (codec, entry, was, next) =>
        going(() => {
          const id = idOf(codec, entry);
          const attempt = this.#taken.get(id)?.attempt ?? null;
          if (attempt === null ? was !== null : was === null || !attempt.equals(was)) return 'not_applied';
          this.#taken.set(id, next);
          return 'applied';
        }),
    };
  }
}

function idOf({ index }: IndexCodec, entry: Buffer): string {
  return `${index.name}/${entry.toString('latin1')}`;
}
