import type { Kind } from './kind.ts';
import { grpcKinds } from './kinds/grpc-kinds.ts';
import { httpKinds } from './kinds/http-kinds.ts';
import { otherServiceKinds } from './kinds/other-service-kinds.ts';
import { socketKinds } from './kinds/socket-kinds.ts';
import { tokenKinds } from './kinds/token-kinds.ts';

/** Every kind of input. */
export const kinds: readonly Kind[] = [...grpcKinds, ...tokenKinds, ...otherServiceKinds, ...httpKinds, ...socketKinds];
