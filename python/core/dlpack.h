/* The structures of DLPack, version 1 and the one before, and the numbers in them that are needed here; names and values as
 * https://dmlc.github.io/dlpack/latest/c_api.html has them. */
#ifndef SIMDROP_PYTHON_DLPACK_H
#define SIMDROP_PYTHON_DLPACK_H

#include <stdint.h>

enum {
  DLPACK_DEVICE_CPU = 1
};
enum {
  DLPACK_UINT = 1,
  DLPACK_FLOAT = 2,
  DLPACK_BFLOAT = 4,
  DLPACK_BOOL = 6,
  DLPACK_FLOAT8_E4M3FN = 10,
  DLPACK_FLOAT8_E5M2 = 12
};
enum {
  DLPACK_READ_ONLY = 1
};

typedef struct dlpack_tensor {
  void *data;
  struct {
    int32_t device_type, device_id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL: row-major */
  uint64_t byte_offset;
} dlpack_tensor;

/* Of a capsule "dltensor". */
typedef struct dlpack_managed {
  dlpack_tensor tensor;
  void *manager_ctx;
  void (*deleter)(struct dlpack_managed *);
} dlpack_managed;

/* Of a capsule "dltensor_versioned". */
typedef struct dlpack_versioned {
  struct {
    uint32_t major, minor;
  } version;
  void *manager_ctx;
  void (*deleter)(struct dlpack_versioned *);
  uint64_t flags;
  dlpack_tensor tensor;
} dlpack_versioned;

#endif
