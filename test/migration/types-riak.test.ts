import { typesOnEveryPath } from './types-on-every-path.ts';

typesOnEveryPath('mysql', 'riak');
