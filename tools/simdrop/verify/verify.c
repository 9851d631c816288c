// simdrop verify: the exact and the statistical tests of docs/conformance.md on every backend, or on the bits of a file.
#include "verify/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/args.h"
#include "shared/backend.h"
#include "shared/console.h"
#include "shared/input.h"
#include "shared/output_file.h"
#include "shared/report.h"
#include "shared/thread_pool.h"
#include "verify/report.h"
#include "verify/run.h"

#define SHORT_ELEMENTS ((uint64_t)1 << 24)
#define LONG_ELEMENTS ((uint64_t)1 << 32)
#define LEAST_ELEMENTS ((uint64_t)1 << 10)

typedef struct verify_options {
  verify_request request;
  const char *backend, *json_name;
  bool all;
  uint64_t not_given;  // what --elements and --seed are then: nobody gives just this one
} verify_options;

// A seed that no run had before, for runs that are to find what others have not.
static uint64_t fresh_seed(void) {
  uint64_t seed = 0;
  const int descriptor = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  const bool drawn = descriptor >= 0 && read(descriptor, &seed, sizeof seed) == (ssize_t)sizeof seed;
  if (descriptor >= 0) close(descriptor);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return drawn ? seed : derived_seed((uint64_t)now.tv_sec, (uint64_t)now.tv_nsec);
}

static void add_candidate(verify_request *request, verify_candidate candidate) {
  if (request->candidate_count < CANDIDATES_MAX) request->candidates[request->candidate_count++] = candidate;
}

// The candidates that --backend or --from name; false after printing the sentence.
static bool find_candidates(verify_options *options, const dropout_functions *functions, const char *name) {
  verify_request *const request = &options->request;
  if (request->from != NULL) {
    request->from_descriptor = input_open(request->from);
    add_candidate(request, (verify_candidate){input_label(request->from), NULL, NULL});
    return request->from_descriptor >= 0;
  }
  if (functions != NULL) {
    add_candidate(request, (verify_candidate){name, NULL, functions});
    return true;
  }
  if (options->backend != NULL && strcmp(options->backend, "all") != 0) {
    if (!backend_use(options->backend)) return false;
    add_candidate(request, (verify_candidate){simdrop_backend_current(), simdrop_backend_current(), &library_functions});
    return true;
  }
  for (size_t i = 0; i < simdrop_backend_count(); ++i)
    if (simdrop_backend_supported(i))
      add_candidate(request, (verify_candidate){simdrop_backend_name(i), simdrop_backend_name(i), &library_functions});
  return true;
}

static bool check_from(const verify_options *options) {
  const verify_request *const request = &options->request;
  if (request->p.count != 1) {
    report_error("verify: --from needs one --p P, the probability of dropping with which the mask was drawn");
    return false;
  }
  if (options->backend != NULL || request->forms != 0 || request->is_long) {
    report_error("verify: --from excludes --backend, --form and --long");
    return false;
  }
  // What a file's bits cannot answer: tests that call an implementation.
  uint64_t of_files = 0;
  for (int t = 0; t < VERIFY_TEST_COUNT; ++t) of_files |= (uint64_t)(verify_tests[t].of_sequence != NULL) << t;
  if (request->tests != 0 && (request->tests & of_files) == 0) {
    report_error("verify: --from takes the tests of sequences: S1, S2, S4 to S9");
    return false;
  }
  if ((request->tests & ~of_files) != 0) {
    fputs("These tests want an implementation, not a file, and are left out:", request->messages);
    for (int s = 0; s < SELECTION_COUNT; ++s)
      if ((request->tests & ~of_files) >> s & 1) fprintf(request->messages, " %s", selection_names[s]);
    fputs(".\n", request->messages);
  }
  return true;
}

static bool check_options(const verify_options *options) {
  const verify_request *const request = &options->request;
  for (size_t i = 0; i < request->p.count; ++i) {
    const double keep = request->from != NULL ? 1 - request->p.values[i] : keep_probability(request->p.values[i]);
    if (!(keep > 0 && keep < 1)) {
      report_error("verify: --p takes probabilities above 0 and below 1, since a mask of %g has no chance in it%s",
                   request->p.values[i], keep >= 1 && request->p.values[i] > 0 ? ": it rounds to 0" : "");
      return false;
    }
  }
  const bool is_given = request->elements != options->not_given;
  if (is_given && (request->elements < LEAST_ELEMENTS || request->elements > UINT64_C(1) << 40)) {
    report_error("verify: --elements takes sizes from 1Ki to 1Ti");
    return false;
  }
  if (request->threads < 1 || request->threads > THREAD_POOL_MAX) {
    report_error("verify: --threads takes a number from 1 to %d, not %" PRIu64, THREAD_POOL_MAX, request->threads);
    return false;
  }
  return request->from == NULL || check_from(options);
}

// A probability that is given twice is tested once.
static void drop_repetitions(arg_probability_list *p) {
  size_t count = 0;
  for (size_t i = 0; i < p->count; ++i) {
    size_t k = 0;
    while (k < count && p->values[k] != p->values[i]) ++k;
    if (k == count) p->values[count++] = p->values[i];
  }
  p->count = count;
}

static void set_defaults(verify_options *options) {
  verify_request *const request = &options->request;
  static const double probabilities[] = {0.001, 0.01, 0.1, 0.25, 0.3, 1.0 / 3, 0.5, 0.9, 0.99};
  const bool is_file = request->from != NULL;
  if (request->p.count == 0) {
    request->p.count = sizeof probabilities / sizeof probabilities[0];
    memcpy(request->p.values, probabilities, sizeof probabilities);
  }
  drop_repetitions(&request->p);
  if (request->forms == 0) request->forms = is_file ? UINT64_C(1) << FORM_MASK : (UINT64_C(1) << FORM_COUNT) - 1;
  // Calibration tests the tests, not the masks, and is for long runs.
  if (request->tests == 0) {
    request->tests = (UINT64_C(1) << SELECTION_COUNT) - 1;
    if (!request->is_long) request->tests &= ~(UINT64_C(1) << SELECTION_CALIBRATION);
  }
  if (request->elements == options->not_given) request->elements = is_file || request->is_long ? LONG_ELEMENTS : SHORT_ELEMENTS;
  if (request->seed == options->not_given && !request->is_long) request->seed = 1;
  if (is_file) request->threads = 1;
}

static uint64_t processors(void) {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1) return 1;
  return count < THREAD_POOL_MAX ? (uint64_t)count : THREAD_POOL_MAX;
}

static bool save_json(const verify_options *options, const verify_report *report, output_file *json) {
  char *text = NULL;
  size_t size = 0;
  FILE *const file = open_memstream(&text, &size);
  if (file != NULL) verify_write_json(&options->request, report, file);
  const bool complete = file != NULL && fclose(file) == 0;
  if (!complete) report_error("verify: there is no memory for the JSON text");
  const bool saved = complete && output_save(json, text, size);
  free(text);
  return saved;
}

// JSON on standard output stands there alone.
static bool json_is_stdout(const verify_options *options) {
  return options->json_name != NULL && output_is_stdout(options->json_name);
}

static int run_options(const verify_options *options) {
  const verify_request *const request = &options->request;
  verify_report report;
  output_file json = {OUTPUT_FILE_CLOSED};
  int status = EXIT_REFUSED;
  if (options->json_name != NULL && !output_open(&json, options->json_name)) {  // before the tests, which may take long
    output_discard(&json);
    return status;
  }
  if (request->is_long) fprintf(request->messages, "Seed %llu.\n", (unsigned long long)request->seed);
  console_flush();
  if (verify_run(request, &report)) {
    if (!json_is_stdout(options)) verify_print(request, &report, options->all);
    status = verify_passed(&report) ? EXIT_SUCCESS : EXIT_FAULTY;
    if (options->json_name != NULL && !save_json(options, &report, &json)) status = EXIT_REFUSED;
  }
  output_discard(&json);
  verify_report_end(&report);
  return status;
}

int verify_command(int argc, char **argv, const dropout_functions *functions, const char *name) {
  const uint64_t not_given = fresh_seed();
  verify_options options = {
      .request = {.from_descriptor = -1, .seed = not_given, .elements = not_given, .threads = processors()},
      .not_given = not_given,
  };
  verify_request *const request = &options.request;
  const arg_option table[] = {
      {"backend", "NAME", "test this backend, or all that run here (default)", ARG_TEXT, &options.backend, NULL, false},
      {"long", NULL, "as many elements as take tens of minutes, a fresh seed, and calibration of the tests", ARG_FLAG,
       &request->is_long, NULL, false},
      {"seed", "S", "of what is drawn (default: 1, or a fresh one with --long)", ARG_NUMBER, &request->seed, NULL, false},
      {"json", "FILE", "also write all figures as JSON; -: on standard output, in place of the table", ARG_TEXT,
       &options.json_name, NULL, false},
      {"from", "FILE", "test the packed bits of a file, or of standard input (-): least significant first, 1 = kept", ARG_TEXT,
       &request->from, NULL, false},
      {"p", "LIST", "probabilities of dropping (default 0.001,0.01,0.1,0.25,0.3,1/3,0.5,0.9,0.99)", ARG_PROBABILITY_LIST,
       &request->p, NULL, false},
      {"test", "LIST", "some of S1 to S18, K1, K3 to K20 with commas between, or all", ARG_CHOICE_LIST, &request->tests,
       selection_names, false},
      {"form", "LIST",
       "some of mask, forward, backward, channels, channels-backward, chain, chain-backward, softmax, alpha, gaussian, or all "
       "(default)",
       ARG_CHOICE_LIST, &request->forms, form_names, false},
      {"elements", "N", "elements of a sequence (default 16Mi, 4Gi with --long, a whole file): fewer are quicker and see less",
       ARG_SIZE, &request->elements, NULL, false},
      {"threads", "N", "default: the processors", ARG_NUMBER, &request->threads, NULL, false},
      {"all", NULL, "show every figure, not the least likely of each test", ARG_FLAG, &options.all, NULL, false},
  };
  const arg_spec spec = {
      .command = "verify",
      .summary =
          "Tests whether masks are what they should be: exact tests against published answers and a reference, and\n"
          "statistical tests of bits, forward and backward outputs, single elements and whole channels, and of the fused\n"
          "kernels and variants.",
      .options = table,
      .option_count = sizeof table / sizeof table[0],
      .notes =
          "The exit status is 0 if all passed, 1 if a test failed, 2 if the arguments or a file are bad. docs/conformance.md\n"
          "describes each test, and what it is sure to see."};
  const arg_result parsed = args_parse(&spec, argc, argv);
  if (parsed != ARGS_RUN) return parsed == ARGS_HELPED ? EXIT_SUCCESS : EXIT_REFUSED;
  request->messages = json_is_stdout(&options) ? console_error() : console_out();
  if (!check_options(&options) || !find_candidates(&options, functions, name)) return EXIT_REFUSED;
  set_defaults(&options);
  const int status = run_options(&options);
  input_close(request->from_descriptor);
  return status;
}

int run_verify(int argc, char **argv) { return verify_command(argc, argv, NULL, NULL); }
