import { fromBinary, getExtension, hasExtension, setExtension, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { storage } from '../../src/gen/crossfade/v1alpha1/options_pb.ts';

/**
 * An image in which one resource has another id: its flags, control records and jobs are then its own, on servers that
 * other tests use at the same time. Throws if no resource has the id.
 */
export function renameResource(image: Uint8Array, from: string, to: string): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, image);
  const options = set.file
    .flatMap(({ messageType }) => messageType)
    .flatMap((message) => message.options ?? [])
    .find((one) => hasExtension(one, storage) && getExtension(one, storage).id === from);
  if (options === undefined) throw new RangeError(`no resource is called ${from}`);
  setExtension(options, storage, { ...getExtension(options, storage), id: to });
  return toBinary(FileDescriptorSetSchema, set);
}
