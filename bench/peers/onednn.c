// Dropout with oneDNN: the dropout attribute on an eltwise primitive that does nothing else (y = 1 * x + 0). Seeds of 64 bits
// and a mask that is not written, where the version has that (3.11 or so); before, the mask is written.
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#include "peer.h"

static peer_case c;
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_t primitive;
static dnnl_memory_t memories[5];
static dnnl_exec_arg_t arguments[5];
static int argument_count;
static dnnl_status_t status;
static const char *failed_at;

// The first thing that fails is remembered, and nothing is tried after it.
static int try(dnnl_status_t new_status, const char *what) {
  status = new_status;
  if (status != dnnl_success) failed_at = what;
  return status == dnnl_success;
}

const char *peer_version(void) {
  static char text[64];
  const dnnl_version_t *const v = dnnl_version();
  const char *runtime = "";
  if (v->cpu_runtime == DNNL_RUNTIME_SEQ) runtime = ", sequential";
  if (v->cpu_runtime == DNNL_RUNTIME_OMP) runtime = ", OpenMP";
  if (v->cpu_runtime == DNNL_RUNTIME_TBB) runtime = ", TBB";
  if (v->cpu_runtime == DNNL_RUNTIME_SYCL) runtime = ", SYCL";
  snprintf(text, sizeof text, "%d.%d.%d%s", v->major, v->minor, v->patch, runtime);
  return text;
}

// A matrix of one row: the attribute is written for two axes and more.
static dnnl_status_t describe(dnnl_memory_desc_t *description, dnnl_data_type_t type, size_t n) {
  const dnnl_dims_t dims = {1, (dnnl_dim_t)n};
  return dnnl_memory_desc_create_with_tag(description, 2, dims, type, dnnl_ab);
}

// Memory of oneDNN's own, since some of its runtimes take no other.
static int add_memory(int argument, dnnl_data_type_t type, size_t n, void **data) {
  dnnl_memory_desc_t description;
  dnnl_memory_t *const memory = &memories[argument_count];
  if (!try(describe(&description, type, n), "a memory description")) return 0;
  const int made = try(dnnl_memory_create(memory, description, engine, DNNL_MEMORY_ALLOCATE), "memory") &&
                   try(dnnl_memory_get_data_handle(*memory, data), "memory's address");
  dnnl_memory_desc_destroy(description);
  if (made) arguments[argument_count++] = (dnnl_exec_arg_t){argument, *memory};
  return made;
}

static float *output;
static int64_t *seed_64;
static int32_t *seed_32;
static uint64_t step;

static int make_primitive(void) {
  dnnl_memory_desc_t description = NULL, mask = NULL;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t primitive_description = NULL;
  int made = try(describe(&description, dnnl_f32, c.n), "a memory description") &&
             try(dnnl_primitive_attr_create(&attributes), "attributes");
#ifdef DNNL_ARG_ATTR_DROPOUT_OFFSET
  made = made &&
         try(dnnl_memory_desc_create_with_tag(&mask, 0, NULL, dnnl_data_type_undef, dnnl_format_tag_undef), "no mask") &&
         try(dnnl_primitive_attr_set_dropout_v2(attributes, mask, dnnl_s64, 0, 0), "the dropout attribute");
#else
  made = made && try(describe(&mask, dnnl_u8, c.n), "a mask") &&
         try(dnnl_primitive_attr_set_dropout(attributes, mask), "the dropout attribute");
#endif
  made = made &&
         try(dnnl_eltwise_forward_primitive_desc_create(&primitive_description, engine, dnnl_forward_training,
                                                        dnnl_eltwise_linear, description, description, 1, 0, attributes),
             "an eltwise primitive with dropout") &&
         try(dnnl_primitive_create(&primitive, primitive_description), "the primitive");
  if (primitive_description != NULL) dnnl_primitive_desc_destroy(primitive_description);
  if (attributes != NULL) dnnl_primitive_attr_destroy(attributes);
  if (mask != NULL) dnnl_memory_desc_destroy(mask);
  if (description != NULL) dnnl_memory_desc_destroy(description);
  return made;
}

const char *peer_open(const peer_case *new_case) {
  static char reason[160];
  void *x = NULL, *probability = NULL, *seed = NULL, *y = NULL;
  c = *new_case;
  argument_count = 0;
  int ready = try(dnnl_engine_create(&engine, dnnl_cpu, 0), "an engine for the CPU") &&
              try(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "a stream") && make_primitive() &&
              add_memory(DNNL_ARG_SRC, dnnl_f32, c.n, &x) && add_memory(DNNL_ARG_DST, dnnl_f32, c.n, &y) &&
              add_memory(DNNL_ARG_ATTR_DROPOUT_PROBABILITY, dnnl_f32, 1, &probability);
#ifdef DNNL_ARG_ATTR_DROPOUT_OFFSET
  ready = ready && add_memory(DNNL_ARG_ATTR_DROPOUT_SEED, dnnl_s64, 1, &seed);
  seed_64 = seed;
#else
  void *mask = NULL;
  ready = ready && add_memory(DNNL_ARG_ATTR_DROPOUT_SEED, dnnl_s32, 1, &seed) &&
          add_memory(DNNL_ARG_ATTR_DROPOUT_MASK, dnnl_u8, c.n, &mask);
  seed_32 = seed;
#endif
  if (!ready) {
    snprintf(reason, sizeof reason, "oneDNN does not give %s on this CPU (its status %d)", failed_at, (int)status);
    return reason;
  }
  memcpy(x, c.x, c.n * sizeof *c.x);
  *(float *)probability = (float)c.p;
  output = y;
  return NULL;
}

int peer_run(uint64_t calls) {
  for (uint64_t i = 0; i < calls; ++i) {
    if (seed_64 != NULL) *seed_64 = (int64_t)++step;
    if (seed_32 != NULL) *seed_32 = (int32_t)++step;
    status = dnnl_primitive_execute(primitive, stream, argument_count, arguments);
    // Waits, since the next call writes the same seed and output.
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    if (status != dnnl_success) return (int)status;
  }
  return 0;
}

const float *peer_output(void) { return output; }

void peer_close(void) {
  for (int i = 0; i < argument_count; ++i) dnnl_memory_destroy(memories[i]);
  dnnl_primitive_destroy(primitive);
  dnnl_stream_destroy(stream);
  dnnl_engine_destroy(engine);
}
