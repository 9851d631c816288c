// What this extension uses of XLA's FFI, the C interface between XLA and functions that it calls: the layouts of its structs
// and the values of its enumerations, in our own words, so that neither jaxlib nor its headers are needed to build. These are
// facts of version 0.3 of the interface, from the header for C in jaxlib (the OpenXLA project);
// python/tests/jax/test_jax_abi.py compares every one of them with the header that is installed.
#ifndef SIMDROP_PYTHON_JAX_XLA_FFI_H
#define SIMDROP_PYTHON_JAX_XLA_FFI_H

#include <stddef.h>
#include <stdint.h>

enum {
  XLA_VERSION_MAJOR = 0,
  XLA_VERSION_MINOR = 3
};

enum {
  XLA_EXTENSION_METADATA = 1
};
enum {
  XLA_ERROR_INVALID_ARGUMENT = 3,
  XLA_ERROR_UNIMPLEMENTED = 12
};
enum {
  XLA_ARGUMENT_BUFFER = 1,
  XLA_RESULT_BUFFER = 1
};
enum {
  XLA_ATTRIBUTE_ARRAY = 1,
  XLA_ATTRIBUTE_SCALAR = 3
};
enum {
  XLA_STAGE_EXECUTE = 3
};

enum {
  XLA_TYPE_S64 = 5,
  XLA_TYPE_U32 = 8,
  XLA_TYPE_U64 = 9,
  XLA_TYPE_F16 = 10,
  XLA_TYPE_F32 = 11,
  XLA_TYPE_F64 = 12,
  XLA_TYPE_BF16 = 16,
  XLA_TYPE_F8E5M2 = 19,
  XLA_TYPE_F8E4M3FN = 20
};

// The size that a struct states of itself reaches to the end of its last field; what is behind it is padding, or fields that
// were added later.
#define XLA_SIZE(type, last_field) (offsetof(type, last_field) + sizeof(((type *)0)->last_field))

typedef struct xla_error xla_error;      // XLA's own
typedef struct xla_context xla_context;  // XLA's own

typedef struct xla_extension {
  size_t struct_size;
  int type;
  struct xla_extension *next;
} xla_extension;

typedef struct xla_version {
  size_t struct_size;
  xla_extension *extension_start;
  int major, minor;
} xla_version;

typedef struct xla_metadata {
  size_t struct_size;
  xla_version version;
  uint32_t traits;
} xla_metadata;

typedef struct xla_metadata_extension {
  xla_extension base;
  xla_metadata *metadata;
} xla_metadata_extension;

typedef struct xla_buffer {
  size_t struct_size;
  xla_extension *extension_start;
  int type;
  void *data;
  int64_t rank;
  int64_t *dims;
} xla_buffer;

typedef struct xla_text {
  const char *start;
  size_t length;
} xla_text;

typedef struct xla_scalar {
  int type;
  void *value;
} xla_scalar;

typedef struct xla_array {
  int type;
  size_t size;
  void *data;
} xla_array;

// Arguments and results alike.
typedef struct xla_buffers {
  size_t struct_size;
  xla_extension *extension_start;
  int64_t size;
  int *kinds;
  void **buffers;
} xla_buffers;

typedef struct xla_attributes {
  size_t struct_size;
  xla_extension *extension_start;
  int64_t size;
  int *kinds;
  xla_text **names;
  void **values;
} xla_attributes;

typedef struct xla_error_arguments {
  size_t struct_size;
  xla_extension *extension_start;
  const char *message;
  int code;
} xla_error_arguments;

typedef struct xla_destroy_arguments {
  size_t struct_size;
  xla_extension *extension_start;
  xla_error *error;
} xla_destroy_arguments;

typedef void xla_task(void *data);

typedef struct xla_schedule_arguments {
  size_t struct_size;
  xla_extension *extension_start;
  xla_context *context;
  xla_task *task;
  void *data;
} xla_schedule_arguments;

typedef struct xla_threads_arguments {
  size_t struct_size;
  xla_extension *extension_start;
  xla_context *context;
  int64_t *threads;
} xla_threads_arguments;

typedef struct xla_api {
  size_t struct_size;
  xla_extension *extension_start;
  xla_version version;
  const void *internal;
  xla_error *(*create_error)(xla_error_arguments *);
  void (*get_message)(void);
  void (*destroy_error)(xla_destroy_arguments *);
  void (*not_used[8])(void);  // handlers, streams, types, contexts, states, device memory
  xla_error *(*schedule)(xla_schedule_arguments *);
  xla_error *(*count_threads)(xla_threads_arguments *);
} xla_api;

typedef struct xla_call {
  size_t struct_size;
  xla_extension *extension_start;
  const xla_api *api;
  xla_context *context;
  int stage;
  xla_buffers arguments, results;
  xla_attributes attributes;
} xla_call;

#endif
