import { create, type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '../gen/grpc/reflection/v1/reflection_pb.ts';

/** What reflection shows. */
export interface ReflectionOptions {
  /** Where the listed services are defined; what they import is shown too. Of two files with one name the first counts. */
  readonly files: Iterable<DescFile>;
  /** The full names of the services that are listed. */
  readonly services: readonly string[];
  /** Lets a call in: rejects with the status that it is refused with. Null: everybody is let in. */
  readonly admit: ((path: string, call: ServerDuplexStream<Buffer, Buffer>) => Promise<unknown>) | null;
}

/** The service's paths: v1, and v1alpha, whose messages are the same on the wire and which older tools ask for. */
const PATHS = ['v1', 'v1alpha'].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);

type Answer = ServerReflectionResponse['messageResponse'];

/** Adds gRPC server reflection: what grpcurl and its like need to call the service without its protos. */
export function addReflection(server: Server, options: ReflectionOptions): void {
  const { admit } = options;
  const reflect = createReflection(options);
  for (const path of PATHS) {
    const handler = (call: ServerDuplexStream<Buffer, Buffer>): void => {
      if (admit === null) answerAll(call, reflect);
      else
        admit(path, call).then(
          () => answerAll(call, reflect),
          (refusal: unknown) => call.emit('error', refusal),
        );
    };
    server.register(path, handler, asIs, asIs, 'bidi');
  }
}

/** Nothing is read before: a call that is not admitted has not been looked at. Questions are read at the pace of their answers. */
function answerAll(call: ServerDuplexStream<Buffer, Buffer>, reflect: ReturnType<typeof createReflection>): void {
  let refused = false;
  call.on('data', (bytes: Buffer) => {
    if (refused) return;
    try {
      const request = fromBinary(ServerReflectionRequestSchema, bytes);
      const hasRoom = call.write(Buffer.from(toBinary(ServerReflectionResponseSchema, reflect(request))));
      if (hasRoom) return;
      call.pause();
      call.once('drain', () => call.resume());
    } catch {
      refused = true;
      call.emit('error', { code: status.INVALID_ARGUMENT, details: "the request can't be decoded" });
    }
  });
  call.on('end', () => call.end());
}

/** Answers reflection's questions. Everything is indexed once, at start. */
export function createReflection(
  options: Pick<ReflectionOptions, 'files' | 'services'>,
): (request: ServerReflectionRequest) => ServerReflectionResponse {
  const index = indexFiles(options.files);
  const respond = ({ messageRequest }: ServerReflectionRequest): Answer => {
    switch (messageRequest.case) {
      case 'listServices':
        return listServices(options.services);
      case 'fileByFilename':
        return filesFrom(index, index.byName.get(messageRequest.value));
      case 'fileContainingSymbol':
        return filesFrom(index, index.bySymbol.get(messageRequest.value));
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = messageRequest.value;
        return filesFrom(index, index.extensions.get(containingType)?.get(extensionNumber));
      }
      case 'allExtensionNumbersOfType':
        return extensionNumbers(index, messageRequest.value);
      case undefined:
        return errorResponse(status.INVALID_ARGUMENT, 'the request asks for nothing');
    }
  };
  return (request) =>
    create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: respond(request),
    });
}

interface IndexedFile {
  readonly bytes: Uint8Array;
  readonly dependencies: readonly string[];
}

interface FileIndex {
  readonly byName: ReadonlyMap<string, IndexedFile>;
  /** Messages, enums, extensions, services and methods by full name. */
  readonly bySymbol: ReadonlyMap<string, IndexedFile>;
  /** By the extended message's full name, then by number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, IndexedFile>>;
}

function indexFiles(files: Iterable<DescFile>): FileIndex {
  const byName = new Map<string, IndexedFile>();
  const bySymbol = new Map<string, IndexedFile>();
  const extensions = new Map<string, Map<number, IndexedFile>>();
  const add = (file: DescFile): void => {
    if (byName.has(file.proto.name)) return;
    const indexed = { bytes: toBinary(FileDescriptorProtoSchema, file.proto), dependencies: file.proto.dependency };
    byName.set(file.proto.name, indexed);
    for (const type of nestedTypes(file)) {
      bySymbol.set(type.typeName, indexed);
      if (type.kind === 'service') {
        for (const method of type.methods) bySymbol.set(`${type.typeName}.${method.name}`, indexed);
      } else if (type.kind === 'extension') {
        const numbers = extensions.get(type.extendee.typeName) ?? new Map<number, IndexedFile>();
        extensions.set(type.extendee.typeName, numbers.set(type.number, indexed));
      }
    }
    for (const imported of file.dependencies) add(imported);
  };
  for (const file of files) add(file);
  return { byName, bySymbol, extensions };
}

/** The file and everything that it imports, itself first: one answer is all that a client needs. */
function filesFrom(index: FileIndex, file: IndexedFile | undefined): Answer {
  if (file === undefined) return errorResponse(status.NOT_FOUND, 'there is no such file, symbol or extension here');
  const closure = new Set([file]);
  for (const { dependencies } of closure) {
    for (const name of dependencies) {
      const dependency = index.byName.get(name);
      if (dependency !== undefined) closure.add(dependency);
    }
  }
  const fileDescriptorProto = [...closure].map(({ bytes }) => bytes);
  return {
    case: 'fileDescriptorResponse',
    value: { $typeName: 'grpc.reflection.v1.FileDescriptorResponse', fileDescriptorProto },
  };
}

function listServices(services: readonly string[]): Answer {
  const service = services.map((name) => ({ $typeName: 'grpc.reflection.v1.ServiceResponse' as const, name }));
  return { case: 'listServicesResponse', value: { $typeName: 'grpc.reflection.v1.ListServiceResponse', service } };
}

function extensionNumbers(index: FileIndex, baseTypeName: string): Answer {
  const numbers = index.extensions.get(baseTypeName);
  if (numbers === undefined && !index.bySymbol.has(baseTypeName)) {
    return errorResponse(status.NOT_FOUND, 'there is no such type here');
  }
  const extensionNumber = [...(numbers?.keys() ?? [])].sort((a, b) => a - b);
  return {
    case: 'allExtensionNumbersResponse',
    value: { $typeName: 'grpc.reflection.v1.ExtensionNumberResponse', baseTypeName, extensionNumber },
  };
}

function errorResponse(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { $typeName: 'grpc.reflection.v1.ErrorResponse', errorCode, errorMessage } };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
