import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { DomainError } from '../domain/errors.ts';

/**
 * Reads a descriptor image, as `buf build --as-file-descriptor-set` or `protoc --descriptor_set_out --include_imports`
 * writes it. Everything that the server knows about users' messages comes from it.
 *
 * @throws DomainError `failed_precondition` if it is none, or lacks a file that another one imports.
 */
export function loadDescriptors(bytes: Uint8Array): FileRegistry {
  try {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  } catch (cause) {
    throw new DomainError({
      kind: 'failed_precondition',
      reason: 'INTERNAL',
      message: 'not a descriptor image with all its imports: write it with `buf build --as-file-descriptor-set`',
      cause,
    });
  }
}
