import type { StackAddresses } from './stack.ts';

/** The addresses of a stack as `export` lines of a shell: what the commands of docs/tutorial.md name. */
export function shellVariables({ mysql, cassandra, unleash, zipkin }: StackAddresses): string {
  const variables: Record<string, string> = {
    ...(mysql && {
      MYSQL_SERVER: `mysql://${mysql.user}@${mysql.host}:${mysql.port}`,
      MYSQL_PASSWORD: mysql.password,
    }),
    ...(cassandra && { CASSANDRA: `${cassandra.contactPoints.join(',')}:${cassandra.port}` }),
    ...(unleash && {
      UNLEASH_URL: unleash.url,
      UNLEASH_TOKEN: unleash.clientToken,
      UNLEASH_ADMIN_TOKEN: unleash.adminToken,
    }),
    ...(zipkin && { ZIPKIN_URL: zipkin.url }),
  };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join('');
}
