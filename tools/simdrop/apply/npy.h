// The header of NumPy's .npy files, format versions 1.0, 2.0 and 3.0: read as NumPy does, strictly, since it may come from
// anywhere. Where it is read otherwise than by NumPy, tests/tool/npy_headers.py says so and why.
#ifndef SIMDROP_TOOL_APPLY_NPY_H
#define SIMDROP_TOOL_APPLY_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NPY_RANK_MAX 64            // NumPy's own limit
#define NPY_HEADER_MAX (1u << 20)  // bytes; NumPy writes about a hundred

// The element types that can be floating point. Only few programs write the names of bfloat16 and the 8-bit types.
typedef enum npy_type {
  NPY_F2,
  NPY_F4,
  NPY_F8,
  NPY_BF16,
  NPY_U2,  // uint16, as which NumPy users store bfloat16
  NPY_V2,  // two raw bytes, as which numpy.save stores the bfloat16 of the package ml_dtypes
  NPY_F8E4M3FN,
  NPY_F8E5M2,  // "f1" too: so numpy.save stores the float8_e5m2 of ml_dtypes, and nothing else
  NPY_U1,      // uint8, as which 8-bit floats are stored by those whose NumPy does not know them
  NPY_V1       // a raw byte, as which numpy.save stores all other 8-bit floats of ml_dtypes
} npy_type;

typedef struct npy_header {
  npy_type type;
  size_t element_size;
  bool big_endian;  // as this machine is where the file does not say; NPY_V2 little-endian then, as most machines are; false
                    // for bytes
  bool fortran_order;
  int rank;
  uint64_t shape[NPY_RANK_MAX];
  uint64_t count;      // product of the shape; count * element_size fits in 63 bits
  unsigned char *raw;  // the header's bytes from the magic on, to be written as they are; npy_header_free frees them
  size_t raw_size;
} npy_header;

// Reads the header from the start of a descriptor, and nothing behind it. Prints the sentence and returns false if this is
// no .npy file or holds something else than floating-point numbers.
bool npy_read_header(int descriptor, const char *name, npy_header *header);

void npy_header_free(npy_header *header);

// Turns n elements, aligned to their size, from the file's byte order into this machine's, or back.
void npy_swap_elements(const npy_header *header, void *elements, size_t n);

// Writes the shape as Python does: (), (3,), (2, 3).
void npy_format_shape(const npy_header *header, size_t size, char *text);

#endif
