// A candidate after the other, since the library has one current backend; its jobs on all threads.
#include "verify/run.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/backend.h"
#include "shared/clock.h"
#include "shared/console.h"
#include "shared/input.h"
#include "shared/progress.h"
#include "shared/report.h"
#include "shared/thread_pool.h"
#include "verify/significance.h"

// The rate of false alarms of a whole run. A long run confirms a failure on new data at CONFIRMATION_LEVEL, so that its own is
// 1e-9.
#define FAMILY_RATE 1e-6
#define CONFIRMATION_LEVEL 1e-3
#define CALIBRATION_ELEMENTS ((uint64_t)1 << 20)
// A run whose time tells how long a longer one takes: elements of a sequence, and of tests that draw for themselves.
#define TRIAL_ELEMENTS ((uint64_t)1 << 24)
#define TRIAL_DRAWS ((uint64_t)1 << 20)
#define TRIAL_P 0.3

const char *const selection_names[SELECTION_COUNT + 1] = {"S1",  "S2",  "S3",  "S4",  "S5",  "S6",  "S7",  "S8",  "S9",  "S10",
                                                          "S11", "S13", "S14", "S15", "S16", "S17", "S18", "S12", "K1",  "K3",
                                                          "K4",  "K5",  "K6",  "K7",  "K8",  "K9",  "K10", "K11", "K12", "K13",
                                                          "K14", "K15", "K16", "K17", "K18", "K19", "K20", NULL};

static bool is_selected(const verify_request *request, size_t selection) { return request->tests >> selection & 1; }

// What is worked off by one thread at once: counts and the rows that are read off them, or one row.
typedef struct verify_job {
  verify_row *rows;
  size_t count;
  calibration_row *calibration;  // in place of rows: this one's value number `count`
} verify_job;

typedef struct verify_work {
  const verify_request *request;
  verify_report *report;
  verify_job *jobs;
  size_t job_count;
  bool confirming;       // figures that failed are drawn once more, from other seeds
  atomic_bool failed;    // a job has, and the others need not begin
  pthread_mutex_t lock;  // of what follows
  progress bar;
  uint64_t drawn;
} verify_work;

static void count_drawn(void *context, uint64_t n) {
  verify_work *const work = context;
  pthread_mutex_lock(&work->lock);
  work->drawn += n;
  progress_update(&work->bar, work->drawn);
  pthread_mutex_unlock(&work->lock);
}

static verify_subject subject_of(verify_work *work, size_t candidate, verify_form form, double p, uint64_t seed) {
  const verify_request *const request = work->request;
  return (verify_subject){.functions = request->candidates[candidate].functions,
                          .form = form,
                          .p = p,
                          .keep = request->from != NULL ? 1 - p : keep_probability(p),
                          .seed = seed,
                          .elements = request->elements,
                          .is_long = request->is_long,
                          .level = work->report->level,
                          .counted = count_drawn,
                          .context = work};
}

// ---- one job

static bool count_sequence(verify_work *work, const verify_subject *subject, sequence_counts *counts) {
  const verify_request *const request = work->request;
  const sequence_limits limits = verify_limits(subject);
  if (request->from != NULL) {
    file_sequence file = {request->from, request->from_descriptor};
    bit_source source = bit_source_file(&file);
    const int64_t bytes = input_bytes_left(request->from_descriptor);
    return sequence_count(&source, subject->keep, bytes > 0 ? 8 * (uint64_t)bytes : 0, &limits, counts, count_drawn, work);
  }
  draw_buffer *const buffer = verify_allocate(1, sizeof *buffer);
  if (buffer == NULL) return false;
  draw_buffer_begin(buffer);
  drawn_sequence sequence = {subject->functions, subject->form, {subject->p, subject->seed, 0, 0, 0}, buffer};
  bit_source source = bit_source_draw(&sequence);
  const bool counted = sequence_count(&source, subject->keep, limits.total, &limits, counts, count_drawn, work);
  free(buffer);
  return counted;
}

// What several figures are read off: the counts of a sequence, or of normal numbers.
typedef struct shared_counts {
  sequence_counts *sequence;
  normal_counts *normals;
} shared_counts;

static bool is_of_counts(const verify_test *test, verify_form form) {
  return (test->of_sequence != NULL && form_is_of_decisions(form)) || (test->of_normals != NULL && form == FORM_GAUSSIAN);
}

static uint64_t counted_elements(const verify_subject *subject) {
  return subject->form == FORM_GAUSSIAN ? normals_drawn(subject) : verify_limits(subject).total;
}

// Either way free_counts is due.
static bool count_shared(verify_work *work, const verify_subject *subject, shared_counts *counts) {
  *counts = (shared_counts){NULL, NULL};
  if (subject->form == FORM_GAUSSIAN) {
    counts->normals = verify_allocate(1, sizeof *counts->normals);
    return counts->normals != NULL && count_normals(subject, counts->normals);
  }
  counts->sequence = verify_allocate(1, sizeof *counts->sequence);
  return counts->sequence != NULL && count_sequence(work, subject, counts->sequence);
}

static void free_counts(shared_counts *counts) {
  free(counts->sequence);
  free(counts->normals);
}

static void read_figure(const verify_test *test, const shared_counts *counts, double level, verify_figure *figure) {
  if (counts->normals != NULL) {
    test->of_normals(counts->normals, level, figure);
  } else {
    test->of_sequence(counts->sequence, level, figure);
  }
}

// The figures of rows that share counts, or of one row.
static bool measure(verify_work *work, const verify_row *rows, size_t count, uint64_t seed, verify_figure *figures) {
  const verify_subject subject = subject_of(work, rows->candidate, rows->form, rows->p, seed);
  if (rows->by_draws) return rows->test->by_draws(&subject, figures);
  shared_counts counts;
  const bool counted = count_shared(work, &subject, &counts);
  for (size_t i = 0; counted && i < count; ++i) read_figure(rows[i].test, &counts, subject.level, &figures[i]);
  free_counts(&counts);
  return counted;
}

static void keep_calibration(calibration_row *row, size_t index, const verify_figure *figure) {
  row->p_values[index] = figure->applies ? figure->p_value : NAN;
  if (index == 0) row->conservative = figure->conservative;  // the same for all seeds; one job writes it
}

static verify_subject calibration_subject(verify_work *work, const calibration_row *row, size_t index) {
  const uint64_t seed = derived_seed(derived_seed(work->request->seed, 0x43616c), index);
  verify_subject subject = subject_of(work, 0, row->form, row->p, seed);
  subject.elements = CALIBRATION_ELEMENTS;
  subject.is_long = false;
  return subject;
}

static bool calibrate(verify_work *work, calibration_row *row, size_t index) {
  const verify_subject subject = calibration_subject(work, row, index);
  verify_figure figure = {.applies = false};
  if (!is_of_counts(row->test, row->form)) {
    const bool measured = row->test->by_draws(&subject, &figure);
    keep_calibration(row, index, &figure);
    return measured;
  }
  // The rows of one p and form follow each other, and one job fills in those of all tests that share counts.
  const calibration_row *const end = work->report->calibration_rows + work->report->calibration_count;
  shared_counts counts;
  const bool measured = count_shared(work, &subject, &counts);
  for (; measured && row < end && row->p == subject.p && row->form == subject.form; ++row) {
    if (!is_of_counts(row->test, row->form)) continue;
    figure = (verify_figure){.applies = false};
    read_figure(row->test, &counts, subject.level, &figure);
    keep_calibration(row, index, &figure);
  }
  free_counts(&counts);
  return measured;
}

static void keep_figure(const verify_work *work, verify_row *row, const verify_figure *figure) {
  if (!work->confirming) {
    row->figure = *figure;
  } else if (row->verdict == VERDICT_FAILED) {
    row->confirmation = *figure;
    row->has_confirmation = true;
  }
}

static void run_job(void *context, size_t index) {
  verify_work *const work = context;
  const verify_job *const job = &work->jobs[index];
  if (work->failed) return;
  if (job->calibration != NULL) {
    if (!calibrate(work, job->calibration, job->count)) work->failed = true;
    return;
  }
  verify_figure figures[VERIFY_TEST_COUNT] = {{.applies = false}};
  const uint64_t seed = work->confirming ? derived_seed(job->rows->seed, 0x436f6e) : job->rows->seed;
  if (!measure(work, job->rows, job->count, seed, figures)) work->failed = true;
  for (size_t i = 0; i < job->count; ++i) keep_figure(work, &job->rows[i], &figures[i]);
}

// ---- rows and jobs

// The seed of a figure does not depend on the candidate, so that backends can be compared by their figures.
static uint64_t seed_of(const verify_request *request, verify_form form, size_t p, size_t test) {
  return derived_seed(derived_seed(request->seed, 64 * (uint64_t)form + p), test);
}

static void add_job(verify_work *work, verify_row *rows, size_t count, calibration_row *calibration) {
  if (work->jobs != NULL) work->jobs[work->job_count] = (verify_job){rows, count, calibration};
  ++work->job_count;
}

static size_t add_row(verify_work *work, size_t candidate, verify_form form, size_t p, size_t test, bool by_draws) {
  verify_report *const report = work->report;
  const verify_request *const request = work->request;
  if (report->rows != NULL) {
    report->rows[report->row_count] = (verify_row){.test = &verify_tests[test],
                                                   .candidate = candidate,
                                                   .form = form,
                                                   .p = request->p.values[p],
                                                   .seed = seed_of(request, form, p, by_draws ? 1 + test : 0),
                                                   .by_draws = by_draws};
  }
  return report->row_count++;
}

// The rows of one candidate, form and p, and their jobs. Counts only, as long as there is no memory for them.
static void plan_form(verify_work *work, size_t candidate, verify_form form, size_t p) {
  const verify_request *const request = work->request;
  verify_row *const rows = work->report->rows;
  const bool is_file = request->from != NULL;
  const size_t first = work->report->row_count;
  size_t count = 0;
  for (size_t t = 0; t < VERIFY_TEST_COUNT; ++t) {
    if (!is_selected(request, t) || !is_of_counts(&verify_tests[t], form)) continue;
    add_row(work, candidate, form, p, t, false);
    ++count;
  }
  if (count > 0) add_job(work, rows == NULL ? NULL : rows + first, count, NULL);
  for (size_t t = 0; t < VERIFY_TEST_COUNT && !is_file; ++t) {
    if (!is_selected(request, t) || verify_tests[t].by_draws == NULL || !verify_tests[t].drawn_in(form)) continue;
    const size_t row = add_row(work, candidate, form, p, t, true);
    add_job(work, rows == NULL ? NULL : rows + row, 1, NULL);
  }
}

static void plan_candidate(verify_work *work, size_t candidate) {
  const verify_request *const request = work->request;
  for (int form = 0; form < FORM_COUNT; ++form)
    for (size_t p = 0; p < request->p.count; ++p)
      if (request->forms >> form & 1) plan_form(work, candidate, (verify_form)form, p);
  for (size_t t = 0; t < EXACT_TEST_COUNT && request->from == NULL; ++t) {
    if (!is_selected(request, SELECTION_EXACT + t)) continue;
    if (work->report->exact_rows != NULL)
      work->report->exact_rows[work->report->exact_count] = (exact_row){.test = &exact_tests[t], .candidate = candidate};
    ++work->report->exact_count;
  }
}

static bool is_calibrated(const verify_test *test, verify_form form) {
  return form == FORM_GAUSSIAN ? test->of_normals != NULL : test - verify_tests < 8;  // S1 to S8
}

// The rows of one p and form, and their jobs: one a seed for those that share counts, and one for each other row.
static void plan_calibration_of(verify_work *work, double p, verify_form form) {
  verify_report *const report = work->report;
  calibration_row *const rows = report->calibration_rows;
  const size_t first = report->calibration_count;
  for (size_t t = 0; t < VERIFY_TEST_COUNT; ++t) {
    if (!is_calibrated(&verify_tests[t], form)) continue;
    const size_t row = report->calibration_count++;
    if (rows != NULL) rows[row] = (calibration_row){.test = &verify_tests[t], .form = form, .p = p, .count = CALIBRATION_SEEDS};
  }
  for (size_t seed = 0; seed < CALIBRATION_SEEDS; ++seed) {
    size_t row = first;
    add_job(work, NULL, seed, rows == NULL ? NULL : rows + first);
    for (size_t t = 0; t < VERIFY_TEST_COUNT; ++t) {
      if (!is_calibrated(&verify_tests[t], form)) continue;
      if (!is_of_counts(&verify_tests[t], form)) add_job(work, NULL, seed, rows == NULL ? NULL : rows + row);
      ++row;
    }
  }
}

static void plan_calibration(verify_work *work) {
  const verify_request *const request = work->request;
  if (!is_selected(request, SELECTION_CALIBRATION) || request->from != NULL) return;
  bool of_decisions = false;
  for (int form = 0; form < FORM_COUNT; ++form)
    of_decisions |= form_is_of_decisions((verify_form)form) && (request->forms >> form & 1);
  for (size_t p = 0; p < request->p.count; ++p) {
    if (of_decisions) plan_calibration_of(work, request->p.values[p], FORM_MASK);
    if (request->forms >> FORM_GAUSSIAN & 1) plan_calibration_of(work, request->p.values[p], FORM_GAUSSIAN);
  }
}

static uint64_t job_elements(verify_work *work, const verify_job *job) {
  const verify_request *const request = work->request;
  if (job->calibration != NULL) {
    const calibration_row *const row = job->calibration;
    const verify_subject subject = calibration_subject(work, row, job->count);
    return is_of_counts(row->test, row->form) ? counted_elements(&subject) : row->test->drawn(&subject);
  }
  const verify_subject subject = subject_of(work, job->rows->candidate, job->rows->form, job->rows->p, 0);
  if (job->rows->by_draws) return job->rows->test->drawn(&subject);
  const int64_t bytes = request->from == NULL ? -1 : input_bytes_left(request->from_descriptor);
  return bytes > 0 && 8 * (uint64_t)bytes < request->elements ? 8 * (uint64_t)bytes : counted_elements(&subject);
}

// ---- running

static size_t candidate_of(const verify_job *job) { return job->calibration != NULL ? 0 : job->rows->candidate; }

static bool is_of_counts_job(const verify_job *job) {
  return job->calibration != NULL ? is_of_counts(job->calibration->test, job->calibration->form) : !job->rows->by_draws;
}

// Seconds for an element of such a job on one thread, from a smaller one.
static double trial(verify_work *work, const verify_job *job) {
  verify_work quiet = {.request = work->request, .report = work->report, .lock = PTHREAD_MUTEX_INITIALIZER};
  const bool is_calibration = job->calibration != NULL;
  verify_subject subject = is_calibration ? calibration_subject(&quiet, job->calibration, 0)
                                          : subject_of(&quiet, candidate_of(job), job->rows->form, job->rows->p, 1);
  const verify_test *const test = is_calibration ? job->calibration->test : job->rows->test;
  verify_figure figure = {.applies = false};
  uint64_t elements;
  subject.p = TRIAL_P;
  subject.keep = keep_probability(TRIAL_P);
  if (subject.elements > TRIAL_ELEMENTS) subject.elements = TRIAL_ELEMENTS;
  const double begin = clock_seconds();
  if (!is_of_counts_job(job)) {
    subject.is_long = false;
    if (subject.elements > TRIAL_DRAWS) subject.elements = TRIAL_DRAWS;
    test->by_draws(&subject, &figure);
    elements = test->drawn(&subject);
  } else {
    shared_counts counts;
    count_shared(&quiet, &subject, &counts);
    elements = counted_elements(&subject);
    free_counts(&counts);
  }
  return (clock_seconds() - begin) / (double)(elements > 0 ? elements : 1);
}

// Jobs of one kind take about the same time an element: counts, or draws of one test, in one form; those of calibration are of
// other kinds.
typedef double kind_rates[2][FORM_COUNT][VERIFY_TEST_COUNT + 1];
static double *rate_of(kind_rates rates, const verify_job *job) {
  const bool is_calibration = job->calibration != NULL;
  const verify_test *const test = is_calibration ? job->calibration->test : job->rows->test;
  const verify_form form = is_calibration ? job->calibration->form : job->rows->form;
  return &rates[is_calibration][form][is_of_counts_job(job) ? VERIFY_TEST_COUNT : test - verify_tests];
}

static void tell_duration(verify_work *work) {
  double seconds = 0;
  for (size_t c = 0; c < work->request->candidate_count; ++c) {
    kind_rates rates = {{{0}}};  // 0 = not tried yet
    if (!backend_use(work->request->candidates[c].backend)) continue;
    for (size_t j = 0; j < work->job_count; ++j) {
      const verify_job *const job = &work->jobs[j];
      if (candidate_of(job) != c) continue;
      double *const rate = rate_of(rates, job);
      if (*rate == 0) *rate = trial(work, job);
      seconds += *rate * (double)job_elements(work, job);
    }
  }
  const double minutes = ceil(seconds / (double)work->request->threads / 60);
  fprintf(work->request->messages, "This takes about %.0f minute%s on %llu thread%s.\n", minutes, minutes == 1 ? "" : "s",
          (unsigned long long)work->request->threads, work->request->threads == 1 ? "" : "s");
  console_flush();
}

// The end of the jobs of one candidate.
static size_t end_of_candidate(const verify_job *jobs, size_t first, size_t count) {
  size_t end = first + 1;
  while (end < count && candidate_of(&jobs[end]) == candidate_of(&jobs[first])) ++end;
  return end;
}

static bool run_jobs(verify_work *work, const char *label) {
  static thread_pool pool = {THREAD_POOL_STOPPED};
  verify_job *const jobs = work->jobs;
  uint64_t total = 0;
  for (size_t j = 0; j < work->job_count; ++j) total += job_elements(work, &jobs[j]);
  work->drawn = 0;
  progress_begin(&work->bar, label, total);
  thread_pool_start(&pool, (size_t)work->request->threads);
  const simdrop_executor executor = thread_pool_executor(&pool);
  for (size_t first = 0, end; first < work->job_count && !work->failed; first = end) {
    end = end_of_candidate(jobs, first, work->job_count);
    if (!backend_use(work->request->candidates[candidate_of(&jobs[first])].backend)) work->failed = true;
    work->jobs = jobs + first;
    if (!work->failed) executor.parallel_for(executor.context, end - first, run_job, work);
    work->jobs = jobs;
  }
  thread_pool_stop(&pool);
  progress_end(&work->bar);
  return !work->failed;
}

static void run_exact(verify_work *work) {
  verify_report *const report = work->report;
  for (size_t i = 0; i < report->exact_count; ++i) {
    exact_row *const row = &report->exact_rows[i];
    const verify_candidate *const candidate = &work->request->candidates[row->candidate];
    if (!backend_use(candidate->backend)) continue;
    row->result.passed = true;
    row->test->run(candidate->functions, &row->result);
  }
}

static int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void judge_calibration(calibration_row *row, double level) {
  size_t count = 0;
  for (size_t i = 0; i < CALIBRATION_SEEDS; ++i)
    if (!isnan(row->p_values[i])) row->p_values[count++] = row->p_values[i];
  row->count = count;
  row->verdict = VERDICT_TOO_FEW;
  if (count == 0) return;
  qsort(row->p_values, count, sizeof row->p_values[0], compare_doubles);
  for (size_t i = 0; i < count; ++i) {
    const double above = (double)(i + 1) / (double)count - row->p_values[i],
                 below = row->p_values[i] - (double)i / (double)count;
    // Too many small p-values are false alarms in any test; too few are not, where a test is known to be conservative.
    row->distance = fmax(row->distance, row->conservative ? above : fmax(above, below));
  }
  row->p_value = kolmogorov_at_least(row->distance, (double)count, row->conservative);
  row->verdict = !(row->p_value >= level) ? VERDICT_FAILED : VERDICT_PASSED;
}

static bool has_failed(const verify_job *job) {
  for (size_t i = 0; i < job->count; ++i)
    if (job->calibration == NULL && job->rows[i].verdict == VERDICT_FAILED) return true;
  return false;
}

// Figures that fail in a long run are drawn once more from new seeds; both are kept.
static bool confirm(verify_work *work) {
  verify_job *const jobs = work->jobs;
  size_t count = 0;
  for (size_t j = 0; j < work->job_count; ++j)
    if (has_failed(&jobs[j])) jobs[count++] = jobs[j];
  if (count == 0) return true;
  work->job_count = count;
  work->confirming = true;
  if (!run_jobs(work, "verify: confirming")) return false;
  for (size_t i = 0; i < work->report->row_count; ++i) {
    verify_row *const row = &work->report->rows[i];
    if (row->has_confirmation && row->confirmation.p_value >= CONFIRMATION_LEVEL) row->verdict = VERDICT_NOT_CONFIRMED;
  }
  return true;
}

static bool judge(verify_work *work) {
  verify_report *const report = work->report;
  // Calibration is not drawn again, and so has the rate of a long run with its confirmations.
  const double calibration_level = work->request->is_long ? report->level * CONFIRMATION_LEVEL : report->level;
  for (size_t i = 0; i < report->calibration_count; ++i) judge_calibration(&report->calibration_rows[i], calibration_level);
  for (size_t i = 0; i < report->row_count; ++i) {
    verify_row *const row = &report->rows[i];
    row->verdict = !row->figure.applies                      ? VERDICT_TOO_FEW
                   : !(row->figure.p_value >= report->level) ? VERDICT_FAILED
                                                             : VERDICT_PASSED;
  }
  return !work->request->is_long || work->request->from != NULL || confirm(work);
}

// Whether anything can pass or fail; prints the sentence if not.
static bool has_figures(const verify_request *request, const verify_report *report) {
  size_t figures = report->exact_count;
  for (size_t i = 0; i < report->row_count; ++i) figures += report->rows[i].verdict != VERDICT_TOO_FEW;
  for (size_t i = 0; i < report->calibration_count; ++i) figures += report->calibration_rows[i].verdict != VERDICT_TOO_FEW;
  if (figures > 0) return true;
  if (request->from != NULL) {
    report_error("verify: %s is too short: it takes %d bits at least, and more for p far from 1/2", input_label(request->from),
                 (int)SEQUENCE_GRAIN);
  } else {
    report_error("verify: nothing was tested: so few elements say nothing for these p; --elements takes more");
  }
  return false;
}

static bool has_plan(const verify_report *report) {
  if (report->row_count + report->exact_count + report->calibration_count > 0) return true;
  report_error("verify: nothing was tested: there are no such tests in such a form (--test, --form)");
  return false;
}

static void plan(verify_work *work) {
  work->job_count = 0;
  work->report->row_count = work->report->exact_count = work->report->calibration_count = 0;
  plan_calibration(work);
  for (size_t c = 0; c < work->request->candidate_count; ++c) plan_candidate(work, c);
}

bool verify_run(const verify_request *request, verify_report *report) {
  const double begin = clock_seconds();
  verify_work work = {.request = request, .report = report, .lock = PTHREAD_MUTEX_INITIALIZER};
  *report = (verify_report){.family_rate = FAMILY_RATE};
  plan(&work);  // how much there is
  if (!has_plan(report)) return false;
  report->comparisons = report->row_count + report->calibration_count;
  report->level = -expm1(log1p(-FAMILY_RATE) / (double)(report->comparisons > 0 ? report->comparisons : 1));
  report->rows = verify_allocate(report->row_count, sizeof *report->rows);
  report->exact_rows = verify_allocate(report->exact_count, sizeof *report->exact_rows);
  report->calibration_rows = verify_allocate(report->calibration_count, sizeof *report->calibration_rows);
  work.jobs = verify_allocate(work.job_count, sizeof *work.jobs);
  bool done = report->rows != NULL && report->exact_rows != NULL && report->calibration_rows != NULL && work.jobs != NULL;
  if (done) {
    plan(&work);
    if (request->is_long && request->from == NULL) tell_duration(&work);
    run_exact(&work);
    done = run_jobs(&work, "verify") && judge(&work) && has_figures(request, report);
  }
  free(work.jobs);
  report->seconds = clock_seconds() - begin;
  return done;
}

void verify_report_end(verify_report *report) {
  free(report->rows);
  free(report->exact_rows);
  free(report->calibration_rows);
}
