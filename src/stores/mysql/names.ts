/** A name as an identifier in SQL. Names come from the config and from information_schema, never from a request. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A string as a literal in SQL, for the quotes that `SQL_MODE` sets. For names and the server's own definitions only. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
