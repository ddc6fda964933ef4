import { describe, expect, it } from 'vitest';
import type { CassandraTableDescription } from '../../src/domain/table-description.ts';
import { addColumnsCql, checkCassandraTable, cqlName, createTableCql } from '../../src/schema/cassandra-ddl.ts';
import { CROSSFADE_COLUMNS, cqlTypeOf } from '../../src/schema/cql-types.ts';
import { allTypesResource } from '../support/all-types.ts';
import { bytesResource, loneResource, notesResource } from '../support/resources.ts';

/** The table that {@link createTableCql} makes. */
function described(): CassandraTableDescription {
  const { columns, cassandra, parentLength, keyLength } = allTypesResource;
  const own = columns.map((column) => ({
    name: column.cassandraName,
    cqlType: cqlTypeOf(column.type),
    isStatic: false,
  }));
  const added = Object.entries(CROSSFADE_COLUMNS).map(([name, cqlType]) => ({ name, cqlType, isStatic: false }));
  const names = columns.map((column) => column.cassandraName);
  return {
    keyspace: cassandra?.keyspace ?? '',
    table: cassandra?.table ?? '',
    columns: [...own, ...added],
    partitionKey: names.slice(0, parentLength),
    clusteringKey: names.slice(parentLength, keyLength).map((name) => ({ name, order: 'asc' })),
    gcGraceSeconds: 864_000,
    comment: '',
  };
}

describe("the target's table", () => {
  it('has the parent as its partition key and sorts as MySQL does', () => {
    expect(createTableCql(notesResource)).toBe(`CREATE TABLE IF NOT EXISTS "test"."notes" (
  "owner" text,
  "note" text,
  "title" text,
  "amount" decimal,
  "stars" int,
  "crossfade_version" bigint,
  "crossfade_deleted" boolean,
  "crossfade_write_id" blob,
  "crossfade_requests" blob,
  PRIMARY KEY (("owner"), "note")
) WITH CLUSTERING ORDER BY ("note" ASC);`);
    expect(createTableCql(bytesResource)).toContain('PRIMARY KEY (("tenant", "owner"), "digest")');
  });

  describe('of records without a parent', () => {
    const lone: CassandraTableDescription = {
      keyspace: 'test',
      table: 'lone',
      columns: [
        { name: 'crossfade_bucket', cqlType: 'int', isStatic: false },
        ...['lone', 'title'].map((name) => ({ name, cqlType: 'text', isStatic: false })),
        { name: 'amount', cqlType: 'decimal', isStatic: false },
        { name: 'stars', cqlType: 'int', isStatic: false },
        { name: 'crossfade_requests', cqlType: 'blob', isStatic: false },
        ...Object.entries(CROSSFADE_COLUMNS).map(([name, cqlType]) => ({ name, cqlType, isStatic: false })),
      ],
      partitionKey: ['crossfade_bucket'],
      clusteringKey: [{ name: 'lone', order: 'asc' }],
      gcGraceSeconds: 864_000,
      comment: 'ours; crossfade_buckets=4',
    };

    it('has the bucket as its partition key, and says in its comment how many there are', () => {
      const cql = createTableCql(loneResource);
      expect(cql).toContain('"crossfade_bucket" int,');
      expect(cql).toContain('PRIMARY KEY (("crossfade_bucket"), "lone")');
      expect(cql).toContain(`AND comment = 'crossfade_buckets=4';`);
      expect(checkCassandraTable(loneResource, lone)).toEqual([]);
    });

    it.each([
      ['crossfade_buckets=40', 'was made for 40 buckets, and storage.cassandra.buckets is 4'],
      ['', 'does not say in its comment how many buckets'],
    ])('is refused with the comment "%s"', (comment, mistake) => {
      expect(checkCassandraTable(loneResource, { ...lone, comment })).toEqual([expect.stringContaining(mistake)]);
    });
  });

  it('quotes its names', () => {
    expect(cqlName('Odd"name')).toBe('"Odd""name"');
  });

  it('can not be made for a resource without a target', () => {
    const { cassandra: _, ...resource } = notesResource;
    expect(() => createTableCql(resource)).toThrow(TypeError);
  });

  it('is right as it is made, also with columns that nobody knows', () => {
    expect(checkCassandraTable(allTypesResource, described())).toEqual([]);
    const more = { name: 'something_else', cqlType: 'int', isStatic: false };
    expect(checkCassandraTable(allTypesResource, { ...described(), columns: [...described().columns, more] })).toEqual(
      [],
    );
  });

  it('gets what it lacks of Crossfade’s own once its records are to remember requests', () => {
    const remembering = { ...allTypesResource, remembersRequests: true as const };
    expect(checkCassandraTable(remembering, described())).toEqual([
      'crossfade.test.v1.Sample: the table crossfade_test.all_types has no column crossfade_requests: ALTER TABLE … ADD "crossfade_requests" blob',
    ]);
    expect(addColumnsCql(remembering, described())).toEqual([
      'ALTER TABLE "crossfade_test"."all_types" ADD IF NOT EXISTS "crossfade_requests" blob',
    ]);
    expect(addColumnsCql(allTypesResource, described())).toEqual([]);
  });

  it('is refused with everything that is wrong in it', () => {
    const right = described();
    const columns = right.columns
      .filter((column) => column.name !== 'title' && column.name !== 'crossfade_write_id')
      .map((column) => {
        if (column.name === 'occur_time') return { ...column, cqlType: 'timestamp' };
        return column.name === 'body' ? { ...column, isStatic: true } : column;
      });
    const wrong: CassandraTableDescription = {
      ...right,
      columns,
      partitionKey: ['owner_name'],
      clusteringKey: [
        { name: 'box_id', order: 'asc' },
        { name: 'sample_id', order: 'desc' },
      ],
      gcGraceSeconds: 3_600,
    };
    const label = 'crossfade.test.v1.Sample: the table crossfade_test.all_types';
    expect(checkCassandraTable(allTypesResource, wrong)).toEqual([
      `${label} has no column title: ALTER TABLE … ADD "title" text`,
      `${label} has the column body as static: one value for a whole partition can't hold a record's`,
      `${label} has the column occur_time as timestamp: it must be bigint`,
      `${label} has no column crossfade_write_id: ALTER TABLE … ADD "crossfade_write_id" blob`,
      `${label} has the partition key (owner_name): it must be (owner_name, box_id)`,
      `${label} has the clustering key (box_id, sample_id): it must be (sample_id)`,
      `${label} sorts sample_id descending, MySQL ascending: create it WITH CLUSTERING ORDER BY (… ASC)`,
      `${label} has gc_grace_seconds = 3600: at least 86400 are needed, or deleted records could come back`,
    ]);
  });

  it('is not taken for another one', () => {
    expect(checkCassandraTable(allTypesResource, { ...described(), table: 'other' })).toEqual([
      expect.stringContaining('was described, but the resource'),
    ]);
  });
});
