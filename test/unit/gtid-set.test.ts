import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MysqlGtids, parseGtidPosition } from '../../src/stores/mysql/gtid-set.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '2c256447-3f0d-431b-9a25-bddf1f1f6ef6';

describe('a MySQL GTID set', () => {
  it('reads the server’s text, with white space, capitals and tags', () => {
    const set = parseGtidPosition(`${A.toUpperCase()}:1-5:11-18,\n${B}:1-27:tag_a:3`);
    expect(set.toString()).toBe(`${B}:1-27,${B}:tag_a:3-3,${A}:1-5:11-18`);
    expect(set.flavour).toBe('mysql');
  });

  it('joins intervals that touch', () => {
    const set = parseGtidPosition(`${A}:1-5`);
    set.add(`${A}:7`);
    expect(set.toString()).toBe(`${A}:1-5:7-7`);
    set.add(`${A}:6`);
    expect(set.toString()).toBe(`${A}:1-7`);
    set.add(`${A}:8`);
    set.add(`${B}:1`);
    set.add(`${A}:9`);
    expect(set.toString()).toBe(`${B}:1-1,${A}:1-9`);
  });

  it('covers what it holds, whole, and nothing that reaches past it', () => {
    const set = parseGtidPosition(`${A}:1-5:11-18,${B}:1-2`);
    expect(set.covers(parseGtidPosition(`${A}:2-4:11-18`))).toBe(true);
    expect(set.covers(parseGtidPosition(''))).toBe(true);
    expect(set.covers(parseGtidPosition(`${A}:5-11`))).toBe(false);
    expect(set.covers(parseGtidPosition(`${A}:19`))).toBe(false);
    expect(set.covers(parseGtidPosition(`${B}:tag:1`))).toBe(false);
    expect(parseGtidPosition('').covers(set)).toBe(false);
  });

  it('holds exactly what was added, in any order, and prints what it reads', () => {
    const gtid = fc.record({ source: fc.constantFrom(A, B), number: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(fc.array(gtid, { maxLength: 80 }), fc.array(gtid, { maxLength: 80 }), (first, second) => {
        const set = new MysqlGtids();
        for (const { source, number } of first) {
          set.addNumber(source, number);
          set.toString();
        }
        const copy = parseGtidPosition(set.toString());
        for (const { source, number } of second) {
          set.addNumber(source, number);
          copy.add(`${source}:${number}`);
          expect(copy.toString()).toBe(set.toString());
        }
        const added = new Set([...first, ...second].map(({ source, number }) => `${source}:${number}`));
        for (const source of [A, B]) {
          for (let number = 1; number <= 60; number++) {
            const one = `${source}:${number}`;
            expect(set.covers(parseGtidPosition(one))).toBe(added.has(one));
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    'x',
    `${A}`,
    `${A}:`,
    `${A}:0`,
    `${A}:5-1`,
    `${A}:1-2-3`,
    `${A}:1e3`,
    '0-1',
    '0-1-x',
    `${A}:99999999999999999`,
  ])('refuses %j', (text) => {
    expect(() => parseGtidPosition(text)).toThrow(RangeError);
  });
});

describe('a MariaDB GTID position', () => {
  it('keeps the last transaction of each domain', () => {
    const position = parseGtidPosition('1-3-45, 0-1-1234');
    expect(position.flavour).toBe('mariadb');
    position.add('0-2-1300');
    expect(position.toString()).toBe('0-2-1300,1-3-45');
  });

  it('covers lower sequence numbers of its domains only', () => {
    const position = parseGtidPosition('0-1-10,1-1-5');
    expect(position.covers(parseGtidPosition('0-1-10'))).toBe(true);
    expect(position.covers(parseGtidPosition('0-1-11'))).toBe(false);
    expect(position.covers(parseGtidPosition('2-1-1'))).toBe(false);
    expect(position.covers(parseGtidPosition('', 'mariadb'))).toBe(true);
    expect(position.covers(parseGtidPosition(`${A}:1`))).toBe(false);
  });
});
