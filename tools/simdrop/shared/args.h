// Command-line options from a table: each command lists its options once, and parsing, range checks, error sentences and
// --help follow from the list.
#ifndef SIMDROP_TOOL_SHARED_ARGS_H
#define SIMDROP_TOOL_SHARED_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARG_LIST_MAX 64             // values of one list option
#define ARG_OPTIONS_MAX 32          // options of one command
#define ARG_EXTENT_NONE UINT64_MAX  // "None" in an ARG_EXTENT_LIST
// The names of simdrop_dtype's types for an ARG_CHOICE or ARG_CHOICE_LIST, in its order.
const char *const *arg_dtype_names(void);

#define ARG_NO_CHOICE (-1)  // for the target of an ARG_CHOICE that need not be given

typedef struct arg_size_list {
  size_t count;
  uint64_t values[ARG_LIST_MAX];
} arg_size_list;

typedef struct arg_probability_list {
  size_t count;
  double values[ARG_LIST_MAX];
} arg_probability_list;

// The tile [row_begin, row_end) x [column_begin, column_end).
typedef struct arg_tile {
  bool given;
  uint64_t row_begin, row_end, column_begin, column_end;
} arg_tile;

typedef struct arg_matrix {
  bool given;
  uint64_t rows, columns;
} arg_matrix;

// What an option's value is, and the type of its target.
typedef enum arg_kind {
  ARG_FLAG,              // no value; bool
  ARG_TEXT,              // const char *
  ARG_NUMBER,            // decimal or 0x hexadecimal, below 2^64; uint64_t
  ARG_SIZE,              // the same, with an optional suffix Ki, Mi, Gi, Ti; uint64_t
  ARG_PROBABILITY,       // decimal fraction in [0, 1]; double
  ARG_CHOICE,            // one of `choices`; int, its index
  ARG_TILE,              // two ranges, such as 0:64,128:256; arg_tile
  ARG_MATRIX,            // decimal rows and columns, such as 128x256; arg_matrix
  ARG_SIZE_LIST,         // sizes with commas between; arg_size_list
  ARG_EXTENT_LIST,       // the same, with "None" among them
  ARG_PROBABILITY_LIST,  // arg_probability_list
  ARG_CHOICE_LIST        // some of `choices`, or "all"; uint64_t with bit i set for choice i
} arg_kind;

typedef struct arg_option {
  const char *name;     // without the dashes
  const char *metavar;  // what --help calls the value
  const char *help;     // lines are split at '\n'
  arg_kind kind;
  void *target;                // left alone if the option is not given
  const char *const *choices;  // for ARG_CHOICE and ARG_CHOICE_LIST, ends with NULL
  bool required;
} arg_option;

typedef struct arg_spec {
  const char *command;
  const char *summary;  // first lines of --help
  const arg_option *options;
  size_t option_count;
  const char *const *operand_names;  // arguments without a name, all of them required; NULL, or ends with NULL
  const char **operands;             // receives them
  const char *notes;                 // last lines of --help; may be NULL
} arg_spec;

typedef enum arg_result {
  ARGS_RUN,     // everything is parsed
  ARGS_HELPED,  // --help was asked for and given
  ARGS_REFUSED  // the sentence has been printed
} arg_result;

// argv[0] is the command's name.
arg_result args_parse(const arg_spec *spec, int argc, char **argv);

// The options that decide a mask, and the one that every command has.
#define ARG_P_OPTION(target) "p", "P", "probability of dropping an element, from 0 to 1", ARG_PROBABILITY, target, NULL, true
#define ARG_SEED_OPTION(target) "seed", "S", "which family of masks (default 0)", ARG_NUMBER, target, NULL, false
#define ARG_STREAM_OPTION(target) \
  "stream", "T", "which mask of the family: a layer, a step (default 0)", ARG_NUMBER, target, NULL, false
#define ARG_OFFSET_OPTION(target) "offset", "O", "index of the first element (default 0)", ARG_NUMBER, target, NULL, false
#define ARG_BACKEND_OPTION(target) \
  "backend", "NAME", "run on this backend; simdrop info lists them", ARG_TEXT, target, NULL, false

#endif
