/** The folders of the two proto modules: the definitions, and what they import. */
export const PROTO_FOLDER = 'proto';
export const IMPORTS_FOLDER = 'imports';

/** What the definitions import that no compiler brings along. */
export const IMPORTED_FILES = [
  'buf/validate/validate.proto',
  'crossfade/v1alpha1/options.proto',
  'google/api/client.proto',
  'google/api/field_behavior.proto',
  'google/api/field_info.proto',
  'google/api/launch_stage.proto',
  'google/api/resource.proto',
];

/** The config of `buf`: builds, lints and compares the definitions. */
export const BUF_YAML = `# Written by crossfade init.
version: v2
modules:
  - path: ${PROTO_FOLDER}
  - path: ${IMPORTS_FOLDER}
lint:
  use:
    - STANDARD
    - COMMENTS
  except:
    # AIP-131 to AIP-135: standard methods return the resource itself, and services have no suffix.
    - RPC_REQUEST_RESPONSE_UNIQUE
    - RPC_RESPONSE_STANDARD_NAME
    - SERVICE_SUFFIX
  ignore:
    - ${IMPORTS_FOLDER}
breaking:
  use:
    # A column that is dropped takes its field along: number and name are reserved, which this category allows.
    - WIRE_JSON
  ignore:
    - ${IMPORTS_FOLDER}
`;
