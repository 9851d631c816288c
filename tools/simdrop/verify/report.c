// The table and the JSON.
#include "verify/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "shared/console.h"
#include "shared/cpu_info.h"
#include "shared/json.h"
#include "verify/significance.h"

static const char *verdict_word(verify_verdict verdict) {
  switch (verdict) {
    case VERDICT_PASSED: return "ok";
    case VERDICT_FAILED: return "FAILED";
    case VERDICT_NOT_CONFIRMED: return "not confirmed";
    default: return "too few";
  }
}

static const char *form_name(const verify_request *request, verify_form form) {
  return request->from != NULL ? "file" : form_names[form];
}

static bool same_figures(const verify_row *a, const verify_row *b) {
  return a->verdict == b->verdict && (a->verdict == VERDICT_TOO_FEW ||
                                      (a->figure.statistic == b->figure.statistic && a->figure.p_value == b->figure.p_value));
}

// The rows of a test and a candidate, in the order in which they are.
static const verify_row *next_row(const verify_report *report, const verify_test *test, size_t candidate,
                                  const verify_row *after) {
  const verify_row *row = after == NULL ? report->rows : after + 1;
  for (; row < report->rows + report->row_count; ++row)
    if (row->test == test && row->candidate == candidate) return row;
  return NULL;
}

static bool same_candidates(const verify_report *report, const verify_test *test, size_t a, size_t b) {
  const verify_row *row_a = next_row(report, test, a, NULL), *row_b = next_row(report, test, b, NULL);
  while (row_a != NULL && row_b != NULL) {
    if (!same_figures(row_a, row_b)) return false;
    row_a = next_row(report, test, a, row_a);
    row_b = next_row(report, test, b, row_b);
  }
  return row_a == row_b;
}

static void print_names(const verify_request *request, size_t first, size_t count, size_t size, char *names) {
  if (count == 1) {
    const char *const slash = strrchr(request->candidates[first].name, '/');  // of a file
    snprintf(names, size, "%s", slash != NULL ? slash + 1 : request->candidates[first].name);
  } else {
    snprintf(names, size, "%s%zu", count == request->candidate_count ? "all " : "", count);
  }
}

static void print_header(void) {
  console_print("\n%-4s %-11s %-13s %4s  %-17s %-8s %10s %10s %9s  %-13s %s\n", "test", "", "backend", "of", "in", "p", "n",
                "statistic", "p-value", "verdict", "would have seen");
}

static void print_row(const verify_request *request, const verify_row *row, const char *names, size_t of) {
  const verify_figure *const figure = &row->figure;
  console_print("%-4s %-11s %-13s %4zu  %-17s %-8.4g ", row->test->id, row->test->name, names, of,
                form_name(request, row->form), row->p);
  if (row->verdict == VERDICT_TOO_FEW) {
    console_print("%10s %10s %9s  %-13s\n", "", "", "", verdict_word(row->verdict));
    return;
  }
  console_print("%10" PRIu64 " %10.4g %9.2g  %-13s ", figure->elements, figure->statistic, figure->p_value,
                verdict_word(row->verdict));
  if (isfinite(figure->smallest)) {
    console_print("%.1e %s", figure->smallest, figure->unit);
  } else {
    console_print("no %s", figure->unit);
  }
  if (row->verdict != VERDICT_PASSED && figure->where[0] != '\0') console_print("; %s", figure->where);
  if (row->has_confirmation) console_print("; on new data %.2g", row->confirmation.p_value);
  console_print("\n");
}

// Whether a row stands for the other rather than that for it.
static bool is_worse(const verify_row *row, const verify_row *other) {
  if (row->verdict == VERDICT_TOO_FEW || other->verdict == VERDICT_TOO_FEW) return row->verdict < other->verdict;
  return is_less_likely(row->figure.p_value, other->figure.p_value);
}

static void print_test(const verify_request *request, const verify_report *report, const verify_test *test, bool all) {
  bool done[CANDIDATES_MAX] = {false};
  for (size_t c = 0; c < request->candidate_count; ++c) {
    const verify_row *worst = next_row(report, test, c, NULL);
    if (done[c] || worst == NULL) continue;
    size_t same = 0, of = 0;
    for (size_t other = c; other < request->candidate_count; ++other) {
      if (done[other] || !same_candidates(report, test, c, other)) continue;
      done[other] = true;
      ++same;
    }
    char names[32];
    print_names(request, c, same, sizeof names, names);
    for (const verify_row *row = worst; row != NULL; row = next_row(report, test, c, row)) {
      if (row->verdict != VERDICT_TOO_FEW) ++of;
      if (is_worse(row, worst)) worst = row;
    }
    if (!all) print_row(request, worst, names, of);
    for (const verify_row *row = next_row(report, test, c, NULL); row != NULL; row = next_row(report, test, c, row))
      if (all || (row != worst && (row->verdict == VERDICT_FAILED || row->verdict == VERDICT_NOT_CONFIRMED)))
        print_row(request, row, names, 1);
  }
}

static void print_calibration(const verify_report *report) {
  for (size_t i = 0; i < report->calibration_count; ++i) {
    const calibration_row *const row = &report->calibration_rows[i];
    if (row->verdict == VERDICT_TOO_FEW) continue;
    console_print("%-4s %-11s %-13s %4zu  %-17s %-8.4g %10s %10.4g %9.2g  %-13s\n", "S12", "calibration", "", row->count,
                  row->test->id, row->p, "", row->distance, row->p_value, verdict_word(row->verdict));
  }
}

static void print_exact(const verify_request *request, const verify_report *report) {
  for (size_t i = 0; i < report->exact_count; ++i) {
    const exact_row *const row = &report->exact_rows[i];
    size_t passed = 0, first = request->candidate_count;
    for (size_t k = 0; k < report->exact_count; ++k) {
      if (report->exact_rows[k].test != row->test) continue;
      if (first == request->candidate_count) first = report->exact_rows[k].candidate;
      passed += report->exact_rows[k].result.passed;
    }
    char names[32];
    if (row->result.passed && row->candidate == first && passed == request->candidate_count) {
      print_names(request, first, passed, sizeof names, names);
    } else if (!row->result.passed || passed < request->candidate_count) {
      print_names(request, row->candidate, 1, sizeof names, names);
    } else {
      continue;
    }
    console_print("%-4s %-33s %-13s %8" PRIu64 " elements  %s%s%s\n", row->test->id, row->test->name, names,
                  row->result.elements, row->result.passed ? "ok" : "FAILED", row->result.passed ? "" : ": ",
                  row->result.sentence);
  }
}

typedef struct verdict_counts {
  size_t passed, failed, unconfirmed, too_few;
} verdict_counts;

static void count_verdict(verdict_counts *counts, verify_verdict verdict) {
  switch (verdict) {
    case VERDICT_PASSED: ++counts->passed; break;
    case VERDICT_FAILED: ++counts->failed; break;
    case VERDICT_NOT_CONFIRMED: ++counts->unconfirmed; break;
    default: ++counts->too_few; break;
  }
}

static verdict_counts count_verdicts(const verify_report *report) {
  verdict_counts counts = {0};
  for (size_t i = 0; i < report->row_count; ++i) count_verdict(&counts, report->rows[i].verdict);
  for (size_t i = 0; i < report->calibration_count; ++i) count_verdict(&counts, report->calibration_rows[i].verdict);
  for (size_t i = 0; i < report->exact_count; ++i)
    count_verdict(&counts, report->exact_rows[i].result.passed ? VERDICT_PASSED : VERDICT_FAILED);
  return counts;
}

bool verify_passed(const verify_report *report) { return count_verdicts(report).failed == 0; }

void verify_print(const verify_request *request, const verify_report *report, bool all) {
  const verdict_counts counts = count_verdicts(report);
  if (report->exact_count > 0) console_print("\n");
  print_exact(request, report);
  if (report->row_count + report->calibration_count > 0) print_header();
  for (size_t t = 0; t < VERIFY_TEST_COUNT; ++t) print_test(request, report, &verify_tests[t], all);
  print_calibration(report);
  if (!all && report->row_count > 0)
    console_print("\nA line shows the least likely of so many figures; a figure fails below %.1e. --all shows every figure.\n",
                  report->level);
  console_print("\nverify: %s: %zu figures and checks of %zu %s, %zu failed", counts.failed > 0 ? "FAILED" : "ok",
                counts.passed + counts.failed + counts.unconfirmed, request->candidate_count,
                request->from != NULL           ? "file"
                : request->candidate_count == 1 ? "backend"
                                                : "backends",
                counts.failed);
  if (counts.unconfirmed > 0) console_print(", %zu not confirmed on new data", counts.unconfirmed);
  if (counts.too_few > 0) console_print(", %zu left out for want of elements", counts.too_few);
  console_print(" (seed %" PRIu64 ", %.1f s)\n", request->seed, report->seconds);
}

static void write_figure(json_writer *json, const verify_figure *figure) {
  json_integer(json, "n", figure->elements);
  json_number(json, "statistic", figure->statistic);
  json_number(json, "p_value", figure->p_value);
  json_text(json, "where", figure->where);
}

static void write_rows(const verify_request *request, const verify_report *report, json_writer *json) {
  json_open_array(json, "figures");
  for (size_t i = 0; i < report->row_count; ++i) {
    const verify_row *const row = &report->rows[i];
    json_open_object(json, NULL);
    json_text(json, "test", row->test->id);
    json_text(json, "backend", request->candidates[row->candidate].name);
    json_text(json, "form", form_name(request, row->form));
    json_number(json, "p", row->p);
    json_text(json, "verdict", verdict_word(row->verdict));
    if (row->verdict != VERDICT_TOO_FEW) {
      write_figure(json, &row->figure);
      json_number(json, "smallest_bias", row->figure.smallest);
      json_text(json, "unit", row->figure.unit);
      json_text(json, "null_distribution", row->test->null_distribution);
    }
    if (row->has_confirmation) {
      json_open_object(json, "confirmation");
      write_figure(json, &row->confirmation);
      json_close_object(json);
    }
    json_close_object(json);
  }
  json_close_array(json);
}

static void write_exact(const verify_request *request, const verify_report *report, json_writer *json) {
  json_open_array(json, "exact");
  for (size_t i = 0; i < report->exact_count; ++i) {
    const exact_row *const row = &report->exact_rows[i];
    json_open_object(json, NULL);
    json_text(json, "test", row->test->id);
    json_text(json, "name", row->test->name);
    json_text(json, "backend", request->candidates[row->candidate].name);
    json_integer(json, "n", row->result.elements);
    json_text(json, "verdict", verdict_word(row->result.passed ? VERDICT_PASSED : VERDICT_FAILED));
    if (!row->result.passed) json_text(json, "sentence", row->result.sentence);
    json_close_object(json);
  }
  json_close_array(json);
}

static void write_calibration(const verify_report *report, json_writer *json) {
  json_open_array(json, "calibration");
  for (size_t i = 0; i < report->calibration_count; ++i) {
    const calibration_row *const row = &report->calibration_rows[i];
    if (row->verdict == VERDICT_TOO_FEW) continue;
    json_open_object(json, NULL);
    json_text(json, "test", row->test->id);
    json_number(json, "p", row->p);
    json_text(json, "verdict", verdict_word(row->verdict));
    json_boolean(json, "one_sided", row->conservative);
    json_number(json, "distance", row->distance);
    json_number(json, "p_value", row->p_value);
    json_open_array(json, "p_values");
    for (size_t k = 0; k < row->count; ++k) json_number(json, NULL, row->p_values[k]);
    json_close_array(json);
    json_close_object(json);
  }
  json_close_array(json);
}

// What S1 and S6 see at other sizes, at the level of this run.
static void write_power(const verify_request *request, const verify_report *report, json_writer *json) {
  json_open_array(json, "power");
  for (size_t p = 0; p < request->p.count; ++p) {
    const double keep = keep_probability(request->p.values[p]);
    for (int bits = 10; bits <= 34 && keep > 0 && keep < 1; bits += 2) {
      json_open_object(json, NULL);
      json_number(json, "p", request->p.values[p]);
      json_integer(json, "n", UINT64_C(1) << bits);
      json_number(json, "smallest_rate", smallest_rate(keep, ldexp(1, bits), report->level));
      json_number(json, "smallest_correlation", smallest_correlation(keep, ldexp(1, bits), report->level));
      json_close_object(json);
    }
  }
  json_close_array(json);
}

void verify_write_json(const verify_request *request, const verify_report *report, FILE *file) {
  const cpu_info cpu = cpu_info_read();
  json_writer json = json_begin(file);
  json_open_object(&json, "context");
  json_text(&json, "library_version", simdrop_version_string());
  json_text(&json, "cpu", cpu.brand);
  json_text(&json, "mode", request->is_long ? "long" : "short");
  json_integer(&json, "seed", request->seed);
  json_integer(&json, "elements", request->elements);
  json_integer(&json, "comparisons", report->comparisons);
  json_number(&json, "family_rate", report->family_rate);
  json_number(&json, "level", report->level);
  json_number(&json, "seconds", report->seconds);
  json_boolean(&json, "passed", verify_passed(report));
  json_close_object(&json);
  write_exact(request, report, &json);
  write_rows(request, report, &json);
  write_calibration(report, &json);
  write_power(request, report, &json);
  json_end(&json);
}
