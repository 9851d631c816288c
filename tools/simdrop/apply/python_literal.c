// A recursive descent. Lines count for nothing here, as they do for Python within brackets. All values, and the text of
// strings, which never grow when their escapes are resolved, lie in one block of memory.
#include "apply/python_literal.h"

#include <stdlib.h>
#include <string.h>

#include "shared/utf8.h"

typedef struct parser {
  const char *begin, *at, *end;
  bool long_suffix;
  int depth;
  const char *problem;
  python_literal *free_literal;
  char *free_text;
} parser;

static const char *const no_literal = "there is something that is no literal of Python";
static const char *const open_string = "it ends within a string";

static bool parse_value(parser *p, python_literal **value);

static bool fail(parser *p, const char *problem) {
  if (p->problem == NULL) p->problem = problem;
  return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

// The character that is so far from here, or 0 behind the end; there is no 0 within.
static char peek(const parser *p, size_t distance) { return distance < (size_t)(p->end - p->at) ? p->at[distance] : '\0'; }

// The size of a line's end at this distance.
static size_t newline_size(const parser *p, size_t distance) {
  if (peek(p, distance) == '\r') return peek(p, distance + 1) == '\n' ? 2 : 1;
  return peek(p, distance) == '\n';
}

// Blanks, and lines that go on behind a backslash.
static void skip_blanks(parser *p) {
  for (;;) {
    const char c = peek(p, 0);
    const size_t joined = c == '\\' ? newline_size(p, 1) : 0;
    if (c != ' ' && c != '\t' && c != '\f' && joined == 0) return;
    p->at += 1 + joined;
  }
}

static void skip_space(parser *p) {
  for (;;) {
    skip_blanks(p);
    if (peek(p, 0) == '#')
      while (p->at < p->end && newline_size(p, 0) == 0) ++p->at;
    if (newline_size(p, 0) == 0) return;
    p->at += newline_size(p, 0);
  }
}

static bool accept(parser *p, char c) {
  skip_space(p);
  if (peek(p, 0) != c) return false;
  ++p->at;
  return true;
}

// There are never more than one for two characters of the text, rounded up: each has at least one of its own, those with
// brackets two, and there is one more between neighbours.
static python_literal *new_literal(parser *p, python_kind kind) {
  python_literal *const literal = p->free_literal++;
  *literal = (python_literal){.kind = kind, .hashable = kind < PYTHON_LIST};
  return literal;
}

// Numbers.

static int digit_of(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Digits with single underscores between them; integer receives their value, which stays at UINT64_MAX from there on.
static bool skip_digits(parser *p, int base, uint64_t *integer) {
  *integer = 0;
  if (digit_of(peek(p, 0)) >= base) return false;
  for (;;) {
    const uint64_t digit = (uint64_t)digit_of(*p->at++);
    *integer = *integer > (UINT64_MAX - digit) / (uint64_t)base ? UINT64_MAX : *integer * (uint64_t)base + digit;
    if (peek(p, 0) == '_' && digit_of(peek(p, 1)) < base) ++p->at;
    if (digit_of(peek(p, 0)) >= base) return true;
  }
}

static bool skip_exponent(parser *p) {
  uint64_t ignored;
  const size_t sign = peek(p, 1) == '+' || peek(p, 1) == '-';
  if ((peek(p, 0) | 0x20) != 'e' || !is_digit(peek(p, 1 + sign))) return false;
  p->at += 1 + sign;
  return skip_digits(p, 10, &ignored);
}

// As tokens, "2 L L" is a number and two names; NumPy takes out all such names behind a number.
static void skip_long_suffix(parser *p) {
  for (;;) {
    const char *const before = p->at;
    skip_blanks(p);
    if (!p->long_suffix || peek(p, 0) != 'L' || is_name(peek(p, 1))) {
      p->at = before;
      return;
    }
    ++p->at;
  }
}

static bool parse_decimal(parser *p, python_literal *number) {
  const char *const begin = p->at;
  uint64_t ignored;
  bool real = false;
  skip_digits(p, 10, &number->integer);
  if (peek(p, 0) == '.') {
    ++p->at;
    skip_digits(p, 10, &ignored);
    real = true;
  }
  real |= skip_exponent(p);
  if ((peek(p, 0) | 0x20) == 'j') {
    ++p->at;
    number->kind = PYTHON_COMPLEX;
  } else if (real) {
    number->kind = PYTHON_FLOAT;
  }
  return number->kind != PYTHON_INTEGER || *begin != '0' || number->integer == 0 ||
         fail(p, "a whole number begins with 0");  // 0, 00 and 0_0 are numbers
}

static bool parse_number(parser *p, python_literal **value) {
  static const char letters[] = "xXoObB";
  static const int bases[] = {16, 16, 8, 8, 2, 2};
  python_literal *const number = *value = new_literal(p, PYTHON_INTEGER);
  const char *const letter = peek(p, 0) == '0' && peek(p, 1) != '\0' ? strchr(letters, peek(p, 1)) : NULL;
  if (letter != NULL) {
    p->at += peek(p, 2) == '_' ? 3 : 2;
    if (!skip_digits(p, bases[letter - letters], &number->integer)) return fail(p, "a number has no digits");
  } else if (!parse_decimal(p, number)) {
    return false;
  }
  skip_long_suffix(p);
  return !is_name(peek(p, 0)) || fail(p, "a number runs into a name");
}

// Strings.

// The bytes of a string as they come, in memory that is set aside.
static void put(parser *p, python_literal *string, const char *bytes, size_t size) {
  memmove(p->free_text, bytes, size);
  p->free_text += size;
  string->length += size;
}

// The character or the byte of this number.
static void put_code(parser *p, python_literal *string, uint32_t code) {
  char bytes[UTF8_SIZE_MAX] = {(char)(code & 0xff)};
  put(p, string, bytes, string->kind == PYTHON_BYTES ? 1 : utf8_encode(code, bytes));
}

// \x, \u and \U have so many hexadecimal digits, an octal number one to three.
static bool parse_code(parser *p, size_t digits, uint32_t *code) {
  *code = 0;
  for (size_t k = 0; k < digits; ++k, ++p->at) {
    const int digit = digit_of(peek(p, 0));
    if (digit >= 16) return fail(p, "a string has an escape of too few digits");
    *code = *code << 4 | (uint32_t)digit;
  }
  return *code <= 0x10ffff || fail(p, "a string has an escape above U+10FFFF");
}

static void parse_octal(parser *p, uint32_t *code) {
  *code = 0;
  for (int k = 0; k < 3 && digit_of(peek(p, 0)) < 8; ++k) *code = *code << 3 | (uint32_t)digit_of(*p->at++);
}

// What stands behind a backslash.
static bool parse_escape(parser *p, python_literal *string) {
  static const char names[] = "abfnrtv\\'\"", codes[] = "\a\b\f\n\r\t\v\\'\"";
  const char c = peek(p, 0);
  const bool text = string->kind == PYTHON_STRING;
  uint32_t code;
  if (c == '\0') return fail(p, open_string);
  if (newline_size(p, 0) > 0) {
    p->at += newline_size(p, 0);
    return true;
  }
  if (digit_of(c) < 8) {
    parse_octal(p, &code);
  } else if (c == 'x' || (text && (c == 'u' || c == 'U'))) {
    ++p->at;
    if (!parse_code(p, c == 'x' ? 2 : c == 'u' ? 4 : 8, &code)) return false;
  } else if (text && c == 'N') {
    return fail(p, "a string names a character with \\N, which simdrop does not look up");
  } else {
    const char *const name = strchr(names, c);
    if (name == NULL) {
      put(p, string, "\\", 1);  // and the character comes as any other
      return true;
    }
    ++p->at;
    code = (uint32_t)codes[name - names];
  }
  put_code(p, string, code);
  return true;
}

// A character of the string, but for its quotes and what resolves to others.
static bool parse_plain(parser *p, python_literal *string) {
  const size_t newline = newline_size(p, 0);
  if (newline > 0) {
    put(p, string, "\n", 1);
    p->at += newline;
    return true;
  }
  if (string->kind == PYTHON_BYTES && (unsigned char)*p->at >= 0x80) return fail(p, "bytes hold more than ASCII");
  put(p, string, p->at++, 1);
  return true;
}

// A string from its quotes on; its text is added to what is there.
static bool parse_quoted(parser *p, python_literal *string, bool raw) {
  const char quote = peek(p, 0);
  const size_t size = peek(p, 1) == quote && peek(p, 2) == quote ? 3 : 1;
  p->at += size;
  while (peek(p, 0) != quote || (size == 3 && (peek(p, 1) != quote || peek(p, 2) != quote))) {
    if (p->at == p->end || (size == 1 && newline_size(p, 0) > 0)) return fail(p, open_string);
    const bool escaped = peek(p, 0) == '\\';
    if (escaped && !raw) {
      ++p->at;
      if (!parse_escape(p, string)) return false;
      continue;
    }
    if (!parse_plain(p, string)) return false;
    if (!escaped) continue;
    if (p->at == p->end) return fail(p, open_string);
    if (!parse_plain(p, string)) return false;  // in a raw string the backslash and this stay
  }
  p->at += size;
  return true;
}

// The size of a string's prefix if one begins here, with its quote not counted; anything else gives false.
static bool find_string(const parser *p, size_t *prefix, bool *bytes, bool *raw) {
  static const struct {
    const char *letters;
    bool bytes, raw;
  } prefixes[] = {{"", false, false}, {"u", false, false}, {"r", false, true},
                  {"b", true, false}, {"br", true, true},  {"rb", true, true}};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; ++i) {
    size_t k = 0;
    while (prefixes[i].letters[k] != '\0' && (peek(p, k) | 0x20) == prefixes[i].letters[k]) ++k;
    if (prefixes[i].letters[k] != '\0' || (peek(p, k) != '\'' && peek(p, k) != '"')) continue;
    *prefix = k;
    *bytes = prefixes[i].bytes;
    *raw = prefixes[i].raw;
    return true;
  }
  return false;
}

// Strings side by side are one.
static bool parse_strings(parser *p, python_literal **value) {
  size_t prefix;
  bool bytes, raw;
  *value = NULL;
  while (find_string(p, &prefix, &bytes, &raw)) {
    const python_kind kind = bytes ? PYTHON_BYTES : PYTHON_STRING;
    if (*value == NULL) {
      *value = new_literal(p, kind);
      (*value)->text = p->free_text;
    }
    if ((*value)->kind != kind) return fail(p, "a string and bytes stand side by side");
    p->at += prefix;
    if (!parse_quoted(p, *value, raw)) return false;
    skip_space(p);
  }
  return true;
}

// Containers.

typedef struct item_list {
  const python_literal *first;
  python_literal *last;
  size_t count;
  bool comma;     // behind the last item
  bool hashable;  // all of them
  bool pairs;     // key: value
} item_list;

static void append(item_list *list, python_literal *item) {
  if (list->last == NULL) {
    list->first = item;
  } else {
    list->last->next = item;
  }
  list->last = item;
  ++list->count;
}

// Items to the bracket that closes them; in braces the first one tells whether they are pairs.
static bool parse_items(parser *p, char closing, item_list *list) {
  *list = (item_list){.comma = true, .hashable = true};
  if (++p->depth > PYTHON_LITERAL_DEPTH_MAX) return fail(p, "its brackets are nested too deeply");
  while (!accept(p, closing)) {
    python_literal *item;
    if (!list->comma) return fail(p, no_literal);
    if (!parse_value(p, &item)) return false;
    append(list, item);
    list->hashable &= item->hashable;
    if (list->count == 1) list->pairs = closing == '}' && accept(p, ':');
    if (list->pairs) {
      if (list->count > 1 && !accept(p, ':')) return fail(p, no_literal);
      if (!parse_value(p, &item)) return false;
      append(list, item);
    }
    list->comma = accept(p, ',');
  }
  --p->depth;
  return true;
}

static bool parse_container(parser *p, python_literal **value) {
  static const char opening[] = "([{", closing[] = ")]}";
  static const python_kind kinds[] = {PYTHON_TUPLE, PYTHON_LIST, PYTHON_SET};
  const size_t bracket = (size_t)(strchr(opening, *p->at++) - opening);
  item_list list;
  if (!parse_items(p, closing[bracket], &list)) return false;
  if (kinds[bracket] == PYTHON_TUPLE && list.count == 1 && !list.comma) {
    *value = list.last;  // brackets around a value
    return true;
  }
  const bool dictionary = kinds[bracket] == PYTHON_SET && (list.pairs || list.count == 0);
  *value = new_literal(p, dictionary ? PYTHON_DICTIONARY : kinds[bracket]);
  if ((*value)->kind > PYTHON_LIST && !list.hashable) return fail(p, "a list, a set or a dictionary is a key");
  if ((*value)->kind == PYTHON_TUPLE) (*value)->hashable = list.hashable;
  (*value)->first = list.first;
  return true;
}

static bool accept_word(parser *p, const char *word) {
  const size_t length = strlen(word);
  for (size_t k = 0; k < length; ++k)
    if (peek(p, k) != word[k]) return false;
  if (is_name(peek(p, length))) return false;
  p->at += length;
  return true;
}

static bool parse_word(parser *p, python_literal **value) {
  const bool truth = accept_word(p, "True");
  if (truth || accept_word(p, "False")) {
    *value = new_literal(p, PYTHON_BOOLEAN);
    (*value)->boolean = truth;
  } else if (accept_word(p, "None")) {
    *value = new_literal(p, PYTHON_NONE);
  } else if (accept_word(p, "set") && accept(p, '(') && accept(p, ')')) {
    *value = new_literal(p, PYTHON_SET);
  } else {
    return fail(p, no_literal);
  }
  return true;
}

static bool parse_atom(parser *p, python_literal **value) {
  skip_space(p);
  const char c = peek(p, 0);
  if (is_digit(c) || (c == '.' && is_digit(peek(p, 1)))) return parse_number(p, value);
  if (c == '(' || c == '[' || c == '{') return parse_container(p, value);
  if (!parse_strings(p, value)) return false;
  if (*value != NULL) return true;
  if (c == '.' && peek(p, 1) == '.' && peek(p, 2) == '.') {
    p->at += 3;
    *value = new_literal(p, PYTHON_ELLIPSIS);
    return true;
  }
  return p->at == p->end ? fail(p, "it ends too soon") : parse_word(p, value);
}

static bool is_number(const python_literal *value) { return value->kind >= PYTHON_INTEGER && value->kind <= PYTHON_COMPLEX; }

static bool accept_sign(parser *p, bool *minus) {
  *minus = accept(p, '-');
  return *minus || accept(p, '+');
}

// A value, with a sign before a number, and a complex number as the sum of its parts.
static bool parse_value(parser *p, python_literal **value) {
  bool minus;
  if (accept_sign(p, &minus)) {
    if (!parse_atom(p, value)) return false;
    if (!is_number(*value) || (*value)->operators > 0) return fail(p, "a sign stands before something that is no number");
    (*value)->negative = minus;
    (*value)->operators = 1;
  } else if (!parse_atom(p, value)) {
    return false;
  }
  if (!accept_sign(p, &minus)) return true;
  python_literal *imaginary;
  const bool real = is_number(*value) && (*value)->kind != PYTHON_COMPLEX;
  if (!real) return fail(p, no_literal);
  if (!parse_atom(p, &imaginary)) return false;
  if (imaginary->kind != PYTHON_COMPLEX || imaginary->operators > 0) return fail(p, no_literal);
  *value = imaginary;
  imaginary->operators = 2;
  return true;
}

static bool check_text(parser *p) {
  for (size_t length; p->at < p->end; p->at += length) {
    length = utf8_length(p->at, (size_t)(p->end - p->at));
    if (length == 0) return fail(p, "it is no UTF-8");
    if (*p->at == '\0') return fail(p, "it holds a zero byte");
  }
  p->at = p->begin;
  return true;
}

void python_literal_read(const char *text, size_t size, bool long_suffix, python_document *document) {
  const size_t literals = (size + 1) / 2;
  *document = (python_document){.memory = malloc(literals * sizeof(python_literal) + size + 1)};
  if (document->memory == NULL) {
    document->problem = "there is no memory for it";
    return;
  }
  python_literal *value;
  parser p = {.begin = text, .at = text, .end = text + size, .long_suffix = long_suffix, .free_literal = document->memory};
  p.free_text = (char *)(p.free_literal + literals);
  if (check_text(&p) && parse_value(&p, &value)) {
    skip_space(&p);
    if (p.at == p.end) {
      document->root = value;
    } else {
      fail(&p, "there is text behind it");
    }
  }
  document->problem = p.problem;
  document->position = (size_t)(p.at - text);
}

void python_document_free(python_document *document) {
  free(document->memory);
  *document = (python_document){.root = NULL};
}

bool python_is_string(const python_literal *literal, const char *text) {
  return literal->kind == PYTHON_STRING && literal->length == strlen(text) && memcmp(literal->text, text, literal->length) == 0;
}
