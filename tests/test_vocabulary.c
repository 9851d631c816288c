// Every word of every backend's vocabulary does what common/vocabulary.h says, on lanes of random bits: vocabulary/body.h
// and vocabulary/arithmetic.h, which are compiled for each backend. What the words are put together to is the business of the
// other tests.
#include <string.h>

#include "backend_list.h"
#include "support.h"

enum {
  RANDOM = 4096
};

#define DECLARE_1(backend)                                                  \
  const char *simdrop_##backend##_check_vocabulary(const uint64_t *random); \
  const char *simdrop_##backend##_check_arithmetic(const uint64_t *random);
#define DECLARE_0(backend)
#define DECLARE(backend, name, compiled) DECLARE_##compiled(backend)
SIMDROP_BACKEND_LIST(DECLARE)

// It has none.
const char *simdrop_scalar_check_vocabulary(const uint64_t *random) {
  (void)random;
  return NULL;
}

const char *simdrop_scalar_check_arithmetic(const uint64_t *random) {
  (void)random;
  return NULL;
}

typedef const char *check_words(const uint64_t *random);

typedef struct vocabulary {
  const char *backend;
  check_words *check, *check_arithmetic;
} vocabulary;

#define ENTRY_1(backend, name) {name, simdrop_##backend##_check_vocabulary, simdrop_##backend##_check_arithmetic},
#define ENTRY_0(backend, name)
#define ENTRY(backend, name, compiled) ENTRY_##compiled(backend, name)
static const vocabulary vocabularies[] = {SIMDROP_BACKEND_LIST(ENTRY)};

static void check_backends(bool arithmetic) {
  static uint64_t numbers[RANDOM];
  uint64_t random = 27;
  for (size_t i = 0; i < LENGTH(numbers); ++i) numbers[i] = next_random(&random);
  FOR_EACH_BACKEND(backend) {
    for (size_t i = 0; i < LENGTH(vocabularies); ++i) {
      if (strcmp(vocabularies[i].backend, backend) != 0) continue;
      const char *const wrong = (arithmetic ? vocabularies[i].check_arithmetic : vocabularies[i].check)(numbers);
      if (wrong != NULL) fail_msg("%s: %s is not what its twin is", backend, wrong);
    }
  }
}

static void words_do_what_they_say(void **state) {
  (void)state;
  check_backends(false);
}

static void words_of_arithmetic_do_what_they_say(void **state) {
  (void)state;
  check_backends(true);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_do_what_they_say),
      cmocka_unit_test(words_of_arithmetic_do_what_they_say),
  };
  return RUN_TESTS(argc, argv, tests);
}
