// simdrop mask: a mask of any length to a file or a pipe, in constant memory.
#include <simdrop/simdrop.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "shared/args.h"
#include "shared/backend.h"
#include "shared/output_file.h"
#include "shared/progress.h"
#include "shared/report.h"

typedef enum mask_format {
  FORMAT_BITS,
  FORMAT_BYTES,
  FORMAT_HEX
} mask_format;
static const char *const format_names[] = {"bits", "bytes", "hex", NULL};

// Elements drawn at a time: whole bytes of bits, and small enough for the L2 cache in every format.
#define CHUNK_ELEMENTS ((size_t)1 << 18)

typedef struct mask_request {
  simdrop_mask mask;
  uint64_t count;
  int format;  // mask_format
  const char *output_name, *backend;
} mask_request;

static void to_hex(const uint8_t *bytes, size_t count, uint8_t *text) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < count; ++i) {
    text[2 * i] = (uint8_t)digits[bytes[i] >> 4];
    text[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
  }
}

// Draws n elements in the format asked for; returns how many bytes of the buffer they take.
static size_t draw_chunk(const simdrop_mask *mask, int format, size_t n, uint8_t *buffer) {
  static uint8_t bits[CHUNK_ELEMENTS / 8];
  const size_t packed = (n + 7) / 8;
  switch (format) {
    case FORMAT_BITS: simdrop_mask_bits(mask, n, buffer); return packed;
    case FORMAT_BYTES: simdrop_mask_bytes(mask, n, buffer); return n;
    default:
      simdrop_mask_bits(mask, n, bits);
      to_hex(bits, packed, buffer);
      return 2 * packed;
  }
}

static bool write_mask(const mask_request *request, output_file *output) {
  static uint8_t buffer[CHUNK_ELEMENTS];
  simdrop_mask mask = request->mask;
  progress bar;
  bool written = true;
  const bool takes_stderr = request->output_name != NULL && output_descriptor(request->output_name) == STDERR_FILENO;
  progress_begin(&bar, "mask", takes_stderr ? 0 : request->count);
  for (uint64_t done = 0; written && done < request->count;) {
    const uint64_t left = request->count - done;
    const size_t n = left < CHUNK_ELEMENTS ? (size_t)left : CHUNK_ELEMENTS;
    written = output_write(output, buffer, draw_chunk(&mask, request->format, n, buffer));
    mask.offset += n;
    done += n;
    progress_update(&bar, done);
  }
  progress_end(&bar);
  return written && (request->format != FORMAT_HEX || output_write(output, "\n", 1));
}

static bool check_request(const mask_request *request) {
  if (request->count > 0 && request->count - 1 > UINT64_MAX - request->mask.offset) {
    report_error("mask: --offset plus --count passes 2^64");
    return false;
  }
  if (request->format != FORMAT_HEX && request->output_name == NULL && isatty(STDOUT_FILENO)) {
    report_error("mask: standard output is a terminal, which raw bytes would upset: use --format hex, --output FILE or a pipe");
    return false;
  }
  return true;
}

static int draw_mask(const mask_request *request) {
  output_file output;
  const bool done = output_open(&output, request->output_name ? request->output_name : "-") && write_mask(request, &output) &&
                    output_commit(&output);
  const bool reader_gone = output.reader_gone;
  if (!done) output_discard(&output);
  return done || reader_gone ? EXIT_SUCCESS : EXIT_REFUSED;
}

int run_mask(int argc, char **argv) {
  mask_request request = {.format = FORMAT_BITS};
  const arg_option options[] = {
      {ARG_P_OPTION(&request.mask.p)},
      {"count", "N", "number of elements, such as 1000 or 64Mi", ARG_SIZE, &request.count, NULL, true},
      {ARG_SEED_OPTION(&request.mask.seed)},
      {ARG_STREAM_OPTION(&request.mask.stream)},
      {ARG_OFFSET_OPTION(&request.mask.offset)},
      {"format", "FORMAT",
       "bits (default): one bit an element, least significant first, unused bits of the last byte 0\n"
       "bytes: one byte an element, 0 or 1\n"
       "hex: the bytes of bits as one line of hexadecimal digits",
       ARG_CHOICE, &request.format, format_names, false},
      {"output", "FILE", "write to a file, whole or not at all, or to /dev/fd/N; default and '-': standard output", ARG_TEXT,
       &request.output_name, NULL, false},
      {ARG_BACKEND_OPTION(&request.backend)},
  };
  const arg_spec spec = {
      .command = "mask",
      .summary =
          "Writes the mask of N elements: 1 = kept, 0 = dropped. The same numbers give the same mask on every\n"
          "machine and backend. Any N works, in constant memory.",
      .options = options,
      .option_count = sizeof options / sizeof options[0],
      .notes = "Numbers are decimal or 0x hexadecimal, up to 2^64 - 1."};
  const arg_result parsed = args_parse(&spec, argc, argv);
  if (parsed != ARGS_RUN) return parsed == ARGS_HELPED ? EXIT_SUCCESS : EXIT_REFUSED;
  if (!check_request(&request) || !backend_use(request.backend)) return EXIT_REFUSED;
  return draw_mask(&request);
}
