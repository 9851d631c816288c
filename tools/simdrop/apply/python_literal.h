// Python's literals in text, as ast.literal_eval reads them: numbers, strings, True, False, None, and tuples, lists, sets and
// dictionaries of these. Nothing is evaluated, and nothing is taken on trust: text of any kind gives a value or a problem.
#ifndef SIMDROP_TOOL_APPLY_PYTHON_LITERAL_H
#define SIMDROP_TOOL_APPLY_PYTHON_LITERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PYTHON_LITERAL_DEPTH_MAX 200  // brackets within brackets: Python's own limit

typedef enum python_kind {
  PYTHON_NONE,
  PYTHON_ELLIPSIS,
  PYTHON_BOOLEAN,
  PYTHON_INTEGER,
  PYTHON_FLOAT,
  PYTHON_COMPLEX,
  PYTHON_STRING,
  PYTHON_BYTES,
  PYTHON_TUPLE,
  PYTHON_LIST,
  PYTHON_SET,
  PYTHON_DICTIONARY
} python_kind;

typedef struct python_literal {
  python_kind kind;
  bool hashable;     // may be a key or in a set
  bool boolean;      // of PYTHON_BOOLEAN
  bool negative;     // of a number
  int operators;     // of a number: 1 for a sign, 2 for the sum of a real and an imaginary one
  uint64_t integer;  // of PYTHON_INTEGER, without its sign; UINT64_MAX stands for anything from there on
  const char *text;  // of PYTHON_STRING in UTF-8, of PYTHON_BYTES as they are; not terminated
  size_t length;
  const struct python_literal *first;  // of a container: its items; of a dictionary: key, value, key, value
  const struct python_literal *next;   // the item behind this one, or NULL
} python_literal;

typedef struct python_document {
  const python_literal *root;  // NULL if the text is no literal, and then:
  const char *problem;         // what is wrong with it, to stand behind a colon
  size_t position;             // in the text
  void *memory;
} python_document;

// Reads text in UTF-8 that is one literal and nothing else, but for space and comments. The suffix L of Python 2's long
// integers is passed over if long_suffix is set. python_document_free is due in any case; it is an error that there is no
// memory.
void python_literal_read(const char *text, size_t size, bool long_suffix, python_document *document);

void python_document_free(python_document *document);

bool python_is_string(const python_literal *literal, const char *text);

#endif
