// Table-driven option parsing. Numbers are parsed strictly: nothing before, nothing after, no silent wrap-around.
#include "shared/args.h"

#include <simdrop/simdrop.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/console.h"
#include "shared/report.h"

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Reads digits from *text on and moves *text behind them; false if there are none, or too many for 64 bits.
static bool read_digits(const char **text, unsigned base, uint64_t *number) {
  const char *const first = *text, *c = first;
  uint64_t value = 0;
  for (; (unsigned)digit_value(*c) < base; ++c) {
    const unsigned digit = (unsigned)digit_value(*c);
    if (value > (UINT64_MAX - digit) / base) return false;
    value = value * base + digit;
  }
  if (c == first) return false;
  *number = value;
  *text = c;
  return true;
}

static bool read_number(const char **text, uint64_t *number) {
  const bool hexadecimal = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X');
  if (hexadecimal) *text += 2;
  return read_digits(text, hexadecimal ? 16 : 10, number);
}

static bool read_character(const char **text, char c) { return *(*text)++ == c; }

static bool parse_number(const char *text, uint64_t *number) { return read_number(&text, number) && *text == '\0'; }

static bool parse_size(const char *text, uint64_t *size) {
  static const char prefixes[] = "KMGT";
  if (!read_number(&text, size)) return false;
  if (*text == '\0') return true;
  const char *const prefix = strchr(prefixes, *text);
  if (prefix == NULL || strcmp(text + 1, "i") != 0) return false;
  const int shift = 10 * (int)(prefix - prefixes + 1);
  if (*size > UINT64_MAX >> shift) return false;
  *size <<= shift;
  return true;
}

// The tool never calls setlocale, so strtod's decimal point is a dot; it sees only characters of decimal fractions, so
// neither "nan" nor "0x1p-1" nor leading space gets through.
static bool parse_probability(const char *text, double *p) {
  if (strspn(text, "0123456789.eE+-") != strlen(text) || strchr("0123456789.", text[0]) == NULL || text[0] == '\0')
    return false;
  char *end;
  const double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0 && value <= 1)) return false;
  *p = value;
  return true;
}

static bool parse_tile(const char *text, arg_tile *tile) {
  tile->given = true;
  return read_number(&text, &tile->row_begin) && read_character(&text, ':') && read_number(&text, &tile->row_end) &&
         read_character(&text, ',') && read_number(&text, &tile->column_begin) && read_character(&text, ':') &&
         read_number(&text, &tile->column_end) && *text == '\0';
}

// Decimal only, so that 0x5 is no row of five columns.
static bool parse_matrix(const char *text, arg_matrix *matrix) {
  matrix->given = true;
  return read_digits(&text, 10, &matrix->rows) && read_character(&text, 'x') && read_digits(&text, 10, &matrix->columns) &&
         *text == '\0';
}

const char *const *arg_dtype_names(void) {
  static const char *names[65];  // as many as a list's 64 bits can say, and NULL
  for (size_t i = 0; i < 64 && i < simdrop_dtype_count(); ++i) names[i] = simdrop_dtype_name((simdrop_dtype)i);
  return names;
}

static bool parse_choice(const char *text, const char *const *choices, int *choice) {
  for (int i = 0; choices[i] != NULL; ++i) {
    if (strcmp(text, choices[i]) == 0) {
      *choice = i;
      return true;
    }
  }
  return false;
}

static bool parse_extent(const char *text, uint64_t *extent) {
  *extent = ARG_EXTENT_NONE;
  return strcmp(text, "None") == 0 || (parse_size(text, extent) && *extent != ARG_EXTENT_NONE);
}

// One item of a list option.
static bool add_to_list(const arg_option *option, const char *item) {
  switch (option->kind) {
    case ARG_SIZE_LIST: {
      arg_size_list *const list = option->target;
      if (list->count == ARG_LIST_MAX || !parse_size(item, &list->values[list->count])) return false;
      ++list->count;
      return true;
    }
    case ARG_EXTENT_LIST: {
      arg_size_list *const list = option->target;
      if (list->count == ARG_LIST_MAX || !parse_extent(item, &list->values[list->count])) return false;
      ++list->count;
      return true;
    }
    case ARG_PROBABILITY_LIST: {
      arg_probability_list *const list = option->target;
      if (list->count == ARG_LIST_MAX || !parse_probability(item, &list->values[list->count])) return false;
      ++list->count;
      return true;
    }
    default: {
      uint64_t *const set = option->target;
      int choice;
      if (strcmp(item, "all") == 0) {
        for (int i = 0; option->choices[i] != NULL; ++i) *set |= UINT64_C(1) << i;
        return true;
      }
      if (!parse_choice(item, option->choices, &choice)) return false;
      *set |= UINT64_C(1) << choice;
      return true;
    }
  }
}

static void empty_list(const arg_option *option) {
  if (option->kind == ARG_SIZE_LIST || option->kind == ARG_EXTENT_LIST) ((arg_size_list *)option->target)->count = 0;
  if (option->kind == ARG_PROBABILITY_LIST) ((arg_probability_list *)option->target)->count = 0;
  if (option->kind == ARG_CHOICE_LIST) *(uint64_t *)option->target = 0;
}

static bool parse_list(const arg_option *option, const char *text) {
  empty_list(option);
  for (;;) {
    char item[64];
    const size_t length = strcspn(text, ",");
    if (length >= sizeof item) return false;
    memcpy(item, text, length);
    item[length] = '\0';
    if (!add_to_list(option, item)) return false;
    if (text[length] == '\0') return true;
    text += length + 1;
  }
}

static bool parse_value(const arg_option *option, const char *text) {
  switch (option->kind) {
    case ARG_FLAG: *(bool *)option->target = true; return true;
    case ARG_TEXT: *(const char **)option->target = text; return text[0] != '\0';
    case ARG_NUMBER: return parse_number(text, option->target);
    case ARG_SIZE: return parse_size(text, option->target);
    case ARG_PROBABILITY: return parse_probability(text, option->target);
    case ARG_CHOICE: return parse_choice(text, option->choices, option->target);
    case ARG_TILE: return parse_tile(text, option->target);
    case ARG_MATRIX: return parse_matrix(text, option->target);
    default: return parse_list(option, text);
  }
}

static void describe_choices(const arg_option *option, size_t size, char *text) {
  size_t used = (size_t)snprintf(text, size, option->kind == ARG_CHOICE ? "one of" : "all, or some of");
  for (int i = 0; option->choices[i] != NULL && used < size; ++i)
    used += (size_t)snprintf(text + used, size - used, "%s %s", i == 0 ? "" : ",", option->choices[i]);
}

// What the option takes, for the sentence that refuses a value.
static void describe_values(const arg_option *option, size_t size, char *text) {
  switch (option->kind) {
    case ARG_NUMBER:
      snprintf(text, size, "a whole number from 0 to %" PRIu64 ", decimal or 0x hexadecimal", UINT64_MAX);
      return;
    case ARG_SIZE: snprintf(text, size, "a whole number below 2^64, such as 1000, 0x400, 64Ki or 64Mi"); return;
    case ARG_PROBABILITY: snprintf(text, size, "a probability from 0 to 1, such as 0.1"); return;
    case ARG_TILE: snprintf(text, size, "two ranges of whole numbers such as 0:64,128:256"); return;
    case ARG_MATRIX: snprintf(text, size, "two decimal whole numbers such as 128x256"); return;
    case ARG_SIZE_LIST:
      snprintf(text, size, "up to %d whole numbers with commas between, such as 2Ki,64Mi", ARG_LIST_MAX);
      return;
    case ARG_EXTENT_LIST:
      snprintf(text, size, "up to %d whole numbers or None with commas between, such as None,1,64", ARG_LIST_MAX);
      return;
    case ARG_PROBABILITY_LIST:
      snprintf(text, size, "up to %d probabilities from 0 to 1 with commas between, such as 0.1,0.5", ARG_LIST_MAX);
      return;
    case ARG_CHOICE:
    case ARG_CHOICE_LIST: describe_choices(option, size, text); return;
    default: snprintf(text, size, "a value that is not empty"); return;
  }
}

static void print_indented(const char *text, int indent) {
  for (; *text != '\0'; ++text) {
    fputc(*text, console_out());
    if (*text == '\n') console_print("%*s", indent, "");
  }
  console_print("\n");
}

static void print_help(const arg_spec *spec) {
  int width = 6;  // of "--help"
  console_print("usage: simdrop %s", spec->command);
  for (int i = 0; spec->operand_names != NULL && spec->operand_names[i] != NULL; ++i)
    console_print(" %s", spec->operand_names[i]);
  for (size_t i = 0; i < spec->option_count; ++i) {
    const arg_option *const option = &spec->options[i];
    const int length = snprintf(NULL, 0, "--%s %s", option->name, option->metavar ? option->metavar : "");
    if (length > width) width = length;
    if (option->required) console_print(" --%s %s", option->name, option->metavar);
  }
  console_print(" [options]\n\n%s\n\noptions:\n", spec->summary);
  for (size_t i = 0; i < spec->option_count; ++i) {
    const arg_option *const option = &spec->options[i];
    console_print("  --%s %-*s  ", option->name, width - 3 - (int)strlen(option->name), option->metavar ? option->metavar : "");
    print_indented(option->help, width + 4);
  }
  console_print("  %-*s  show this help\n", width, "--help");
  if (spec->notes != NULL) console_print("\n%s\n", spec->notes);
}

static const arg_option *find_option(const arg_spec *spec, const char *name, size_t length) {
  for (size_t i = 0; i < spec->option_count; ++i)
    if (strlen(spec->options[i].name) == length && memcmp(spec->options[i].name, name, length) == 0) return &spec->options[i];
  return NULL;
}

// Parses the option at argv[*index] and moves *index to its last word.
static const arg_option *parse_option(const arg_spec *spec, int argc, char **argv, int *index) {
  const char *const word = argv[*index];
  const char *const name = word + 2;
  const size_t length = strcspn(name, "=");
  const bool joined = name[length] == '=';
  const arg_option *const option = word[1] == '-' ? find_option(spec, name, length) : NULL;
  if (option == NULL) {
    report_error("%s: unknown option '%s' (see simdrop %s --help)", spec->command, word, spec->command);
    return NULL;
  }
  const char *value = joined ? name + length + 1 : NULL;
  if (option->kind == ARG_FLAG) {
    if (joined) {
      report_error("%s: --%s takes no value, but '%s' is given", spec->command, option->name, value);
      return NULL;
    }
  } else if (!joined) {
    // A word with two dashes is the next option, not a value; --name=--value says otherwise.
    if (*index + 1 >= argc || strncmp(argv[*index + 1], "--", 2) == 0) {
      report_error("%s: --%s needs a value: --%s %s", spec->command, option->name, option->name, option->metavar);
      return NULL;
    }
    value = argv[++*index];
  }
  if (!parse_value(option, value)) {
    char values[512];
    describe_values(option, sizeof values, values);
    report_error("%s: --%s takes %s, not '%s'", spec->command, option->name, values, value);
    return NULL;
  }
  return option;
}

static bool check_complete(const arg_spec *spec, const bool *seen, size_t operand_count) {
  if (spec->operand_names != NULL && spec->operand_names[operand_count] != NULL) {
    report_error("%s: %s is missing (see simdrop %s --help)", spec->command, spec->operand_names[operand_count], spec->command);
    return false;
  }
  for (size_t i = 0; i < spec->option_count; ++i) {
    const arg_option *const option = &spec->options[i];
    if (option->required && !seen[i]) {
      report_error("%s: --%s %s is missing (see simdrop %s --help)", spec->command, option->name, option->metavar,
                   spec->command);
      return false;
    }
  }
  return true;
}

static bool asks_for_help(int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; ++i)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}

arg_result args_parse(const arg_spec *spec, int argc, char **argv) {
  bool seen[ARG_OPTIONS_MAX] = {false};
  size_t operand_count = 0;
  bool options_end = false;
  if (asks_for_help(argc, argv)) {
    print_help(spec);
    return ARGS_HELPED;
  }
  for (int i = 1; i < argc; ++i) {
    if (!options_end && strcmp(argv[i], "--") == 0) {
      options_end = true;
    } else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
      const arg_option *const option = parse_option(spec, argc, argv, &i);
      if (option == NULL) return ARGS_REFUSED;
      seen[option - spec->options] = true;
    } else if (spec->operand_names == NULL || spec->operand_names[operand_count] == NULL) {
      report_error("%s: unexpected argument '%s' (see simdrop %s --help)", spec->command, argv[i], spec->command);
      return ARGS_REFUSED;
    } else {
      spec->operands[operand_count++] = argv[i];
    }
  }
  return check_complete(spec, seen, operand_count) ? ARGS_RUN : ARGS_REFUSED;
}
