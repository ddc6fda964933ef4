/**
 * Writes small ELF shared libraries, for machines that lack one that a server is linked against but never calls.
 *
 * MySQL's binary names libaio.so.1 and libnuma.so.1 as needed, so the loader refuses to start it where they are not
 * installed; with --innodb-use-native-aio=OFF and no NUMA option it calls at most `numa_available`. Each function
 * written here returns -38 (ENOSYS, and for numa_available "not available").
 */

const PAGE = 0x1000;
const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SYMBOL_SIZE = 24;
const MACHINE_X86_64 = 62;
/** mov rax, -38; ret; padded to eight bytes. */
const RETURN_ENOSYS = Buffer.from([0x48, 0xc7, 0xc0, 0xda, 0xff, 0xff, 0xff, 0xc3]);
const DYNAMIC_TAG = { null: 0, hash: 4, stringTable: 5, symbolTable: 6, stringSize: 10, symbolSize: 11, soname: 14 };

/** The bytes of a shared library `soname` for Linux on x64 that exports `functions`, each of which returns -38. */
export function sharedLibrary(soname: string, functions: readonly string[]): Buffer {
  const strings = stringTable([soname, ...functions]);
  const codeAt = HEADER_SIZE + 3 * PROGRAM_HEADER_SIZE;
  const symbolsAt = codeAt + align(RETURN_ENOSYS.length);
  const symbols = symbolTable(functions, strings.offsets, codeAt);
  const hashAt = symbolsAt + symbols.length;
  const hash = hashTable(functions.length + 1);
  const stringsAt = hashAt + align(hash.length);
  // The loader writes into the dynamic section, so it has a page of its own.
  const dynamicAt = PAGE * Math.ceil((stringsAt + strings.bytes.length) / PAGE);
  const dynamic = dynamicSection([
    [DYNAMIC_TAG.soname, strings.offsets.get(soname) ?? 0],
    [DYNAMIC_TAG.hash, hashAt],
    [DYNAMIC_TAG.stringTable, stringsAt],
    [DYNAMIC_TAG.symbolTable, symbolsAt],
    [DYNAMIC_TAG.stringSize, strings.bytes.length],
    [DYNAMIC_TAG.symbolSize, SYMBOL_SIZE],
    [DYNAMIC_TAG.null, 0],
  ]);
  const file = Buffer.alloc(dynamicAt + dynamic.length);
  elfHeader().copy(file, 0);
  const readAndExecute = 5;
  const readAndWrite = 6;
  programHeader(1, readAndExecute, 0, stringsAt + strings.bytes.length, PAGE).copy(file, HEADER_SIZE);
  programHeader(1, readAndWrite, dynamicAt, dynamic.length, PAGE).copy(file, HEADER_SIZE + PROGRAM_HEADER_SIZE);
  programHeader(2, readAndWrite, dynamicAt, dynamic.length, 8).copy(file, HEADER_SIZE + 2 * PROGRAM_HEADER_SIZE);
  RETURN_ENOSYS.copy(file, codeAt);
  symbols.copy(file, symbolsAt);
  hash.copy(file, hashAt);
  strings.bytes.copy(file, stringsAt);
  dynamic.copy(file, dynamicAt);
  return file;
}

function align(size: number): number {
  return 8 * Math.ceil(size / 8);
}

function elfHeader(): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  // Magic, 64 bits, little endian, version 1.
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  header.writeUInt16LE(3, 16); // a shared object
  header.writeUInt16LE(MACHINE_X86_64, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(HEADER_SIZE), 32); // where the program headers are
  header.writeUInt16LE(HEADER_SIZE, 52);
  header.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  header.writeUInt16LE(3, 56); // how many
  header.writeUInt16LE(64, 58);
  return header;
}

function programHeader(type: number, flags: number, offset: number, size: number, alignment: number): Buffer {
  const header = Buffer.alloc(PROGRAM_HEADER_SIZE);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(flags, 4);
  for (const [index, value] of [offset, offset, offset, size, size, alignment].entries()) {
    header.writeBigUInt64LE(BigInt(value), 8 + 8 * index);
  }
  return header;
}

function stringTable(names: readonly string[]): { bytes: Buffer; offsets: Map<string, number> } {
  const offsets = new Map<string, number>();
  let text = '\0';
  for (const name of names) {
    offsets.set(name, text.length);
    text += `${name}\0`;
  }
  return { bytes: Buffer.from(text, 'latin1'), offsets };
}

function symbolTable(functions: readonly string[], offsets: Map<string, number>, codeAt: number): Buffer {
  const table = Buffer.alloc(SYMBOL_SIZE * (functions.length + 1));
  const globalFunction = 0x12;
  for (const [index, name] of functions.entries()) {
    const at = SYMBOL_SIZE * (index + 1);
    table.writeUInt32LE(offsets.get(name) ?? 0, at);
    table.writeUInt8(globalFunction, at + 4);
    table.writeUInt16LE(1, at + 6); // any defined section
    table.writeBigUInt64LE(BigInt(codeAt), at + 8);
    table.writeBigUInt64LE(BigInt(RETURN_ENOSYS.length), at + 16);
  }
  return table;
}

/** A hash table of a single bucket: a chain through every symbol, so that no hash has to be computed. */
function hashTable(symbols: number): Buffer {
  const words = [1, symbols, symbols > 1 ? 1 : 0];
  for (let index = 0; index < symbols; index++) words.push(index === 0 || index === symbols - 1 ? 0 : index + 1);
  const table = Buffer.alloc(4 * words.length);
  for (const [index, word] of words.entries()) table.writeUInt32LE(word, 4 * index);
  return table;
}

function dynamicSection(entries: readonly (readonly [number, number])[]): Buffer {
  const section = Buffer.alloc(16 * entries.length);
  for (const [index, [tag, value]] of entries.entries()) {
    section.writeBigInt64LE(BigInt(tag), 16 * index);
    section.writeBigUInt64LE(BigInt(value), 16 * index + 8);
  }
  return section;
}
