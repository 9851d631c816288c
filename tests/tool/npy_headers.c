// npy_headers FOLDER COUNT: what the tool reads in the headers of FOLDER/0.npy and so on, a line each: "read TYPE ORDER ORDER
// SHAPE", or "refused", the tool's sentence before it.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apply/npy.h"

static void describe(const npy_header *header) {
  static const char *const types[] = {[NPY_F2] = "f2",
                                      [NPY_F4] = "f4",
                                      [NPY_F8] = "f8",
                                      [NPY_BF16] = "bf16",
                                      [NPY_U2] = "u2",
                                      [NPY_V2] = "V2",
                                      [NPY_F8E4M3FN] = "f8e4m3fn",
                                      [NPY_F8E5M2] = "f8e5m2",
                                      [NPY_U1] = "u1",
                                      [NPY_V1] = "V1"};
  char shape[NPY_RANK_MAX * 22 + 4];
  npy_format_shape(header, sizeof shape, shape);
  printf("read %s %s %s %s\n", types[header->type], header->big_endian ? "big" : "little", header->fortran_order ? "F" : "C",
         shape);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const long count = strtol(argv[2], NULL, 10);
  for (long i = 0; i < count; ++i) {
    char path[4096];
    npy_header header;
    snprintf(path, sizeof path, "%s/%ld.npy", argv[1], i);
    const int descriptor = open(path, O_RDONLY);
    if (descriptor < 0) return 2;
    if (npy_read_header(descriptor, path, &header)) {
      describe(&header);
    } else {
      puts("refused");
    }
    fflush(stdout);  // sentences go past it
    npy_header_free(&header);
    close(descriptor);
  }
  return 0;
}
