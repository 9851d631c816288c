// The handler that XLA calls: decodes what it is given, refuses what it cannot do, and calls the library.
#include "dropout.h"

#include <simdrop/simdrop.h>
#include <stdatomic.h>
#include <string.h>

#include "pool.h"

enum {
  KEY_WORDS = 2,
  ALL_WORDS = 6,
  MAX_AXES = 64
};

// A batch is cut between its examples from this many elements on: the size from which the library cuts one call.
#define CUT_FROM ((uint64_t)256 * 1024)

// The call as the library sees it; x, y, words and p are those of example 0.
struct request {
  simdrop_dtype dtype;
  simdrop_mask mask;
  simdrop_layout layout;
  size_t examples, elements;  // of each example
  const unsigned char *x;
  unsigned char *y;
  const uint32_t *words;
  size_t words_each;
  const void *p;  // NULL: the mask has it
  int p_is_double;
};

static xla_error *refuse(const xla_call *call, int code, const char *message) {
  xla_error_arguments arguments = {.struct_size = XLA_SIZE(xla_error_arguments, code), .message = message, .code = code};
  return call->api->create_error(&arguments);
}

static xla_error *invalid(const xla_call *call, const char *message) {
  return refuse(call, XLA_ERROR_INVALID_ARGUMENT, message);
}

// XLA asks once, when the handler is registered, for which version of the interface it was written. An older XLA is told its
// own version: what is used here did not change since it has this way of asking.
static void answer(const xla_call *call, xla_metadata *metadata) {
  if (metadata->struct_size < XLA_SIZE(xla_metadata, traits)) return;
  const xla_version *const theirs = call->api == NULL ? NULL : &call->api->version;
  const int older = theirs != NULL && theirs->major == XLA_VERSION_MAJOR && theirs->minor < XLA_VERSION_MINOR;
  metadata->version = (xla_version){.struct_size = XLA_SIZE(xla_version, minor),
                                    .major = XLA_VERSION_MAJOR,
                                    .minor = older ? theirs->minor : XLA_VERSION_MINOR};
  metadata->traits = 0;
}

static xla_metadata_extension *asked_for_metadata(const xla_call *call) {
  for (xla_extension *extension = call->extension_start; extension != NULL; extension = extension->next) {
    if (extension->type != XLA_EXTENSION_METADATA) continue;
    if (extension->struct_size < sizeof *extension) continue;
    return (xla_metadata_extension *)extension;
  }
  return NULL;
}

static int dtype_of(int type, simdrop_dtype *dtype) {
  switch (type) {
    case XLA_TYPE_F16: *dtype = SIMDROP_F16; return 1;
    case XLA_TYPE_BF16: *dtype = SIMDROP_BF16; return 1;
    case XLA_TYPE_F32: *dtype = SIMDROP_F32; return 1;
    case XLA_TYPE_F64: *dtype = SIMDROP_F64; return 1;
    case XLA_TYPE_F8E4M3FN: *dtype = SIMDROP_F8E4M3FN; return 1;
    case XLA_TYPE_F8E5M2: *dtype = SIMDROP_F8E5M2; return 1;
    default: return 0;
  }
}

static const xla_buffer *buffer_at(const xla_buffers *buffers, int64_t index) {
  if (index >= buffers->size || buffers->kinds[index] != XLA_ARGUMENT_BUFFER) return NULL;
  const xla_buffer *const buffer = buffers->buffers[index];
  return buffer->struct_size < XLA_SIZE(xla_buffer, dims) ? NULL : buffer;
}

static const void *attribute(const xla_call *call, const char *name, int kind) {
  const xla_attributes *const attributes = &call->attributes;
  const size_t length = strlen(name);
  for (int64_t i = 0; i < attributes->size; ++i) {
    const xla_text *const text = attributes->names[i];
    if (text->length == length && memcmp(text->start, name, length) == 0)
      return attributes->kinds[i] == kind ? attributes->values[i] : NULL;
  }
  return NULL;
}

// A scalar attribute of 8 bytes and one of two types.
static int read_scalar(const xla_call *call, const char *name, int type, int or_type, void *value) {
  const xla_scalar *const scalar = attribute(call, name, XLA_ATTRIBUTE_SCALAR);
  if (scalar == NULL || (scalar->type != type && scalar->type != or_type)) return 0;
  memcpy(value, scalar->value, 8);
  return 1;
}

static int same_extents(const xla_buffer *a, const xla_buffer *b, int64_t axes) {
  for (int64_t i = 0; i < axes; ++i)
    if (a->dims[i] != b->dims[i]) return 0;
  return 1;
}

// Row-major axes batch_rank .. of x, with the index strides given, merged into as few as can be.
static simdrop_status describe(struct request *request, const xla_buffer *x, int64_t batch_rank,
                               const uint64_t *index_strides) {
  const int rank = (int)(x->rank - batch_rank);
  size_t dims[MAX_AXES];
  ptrdiff_t strides[MAX_AXES];
  ptrdiff_t stride = 1;
  for (int a = rank - 1; a >= 0; --a) {
    dims[a] = (size_t)x->dims[batch_rank + a];
    strides[a] = stride;
    stride *= (ptrdiff_t)dims[a];
  }
  request->elements = (size_t)stride;
  return simdrop_layout_strided(rank, dims, strides, strides, index_strides, &request->layout);
}

// What is wrong with the call; NULL if nothing is.
static const char *decode(const xla_call *call, struct request *request) {
  const xla_buffer *const x = buffer_at(&call->arguments, 0), *const words = buffer_at(&call->arguments, 1);
  const xla_buffer *const y = buffer_at(&call->results, 0);
  if (x == NULL || words == NULL || y == NULL || call->arguments.size > 3 || call->results.size != 1)
    return "simdrop: the operands are x, words, and perhaps p; the result is y";
  if (!dtype_of(x->type, &request->dtype)) return "simdrop: x is of a type without dropout";
  if (y->type != x->type || y->rank != x->rank || !same_extents(x, y, x->rank))
    return "simdrop: y has another type or shape than x";

  int64_t batch_rank = 0;
  if (!read_scalar(call, "batch_rank", XLA_TYPE_S64, XLA_TYPE_S64, &batch_rank) || batch_rank < 0 || batch_rank > x->rank ||
      x->rank - batch_rank > MAX_AXES)
    return "simdrop: batch_rank does not fit x";
  if (words->type != XLA_TYPE_U32 || words->rank != batch_rank + 1 || !same_extents(x, words, batch_rank) ||
      (words->dims[batch_rank] != KEY_WORDS && words->dims[batch_rank] != ALL_WORDS))
    return "simdrop: words are 2 or 6 of type u32 for each example";
  request->words = words->data;
  request->words_each = (size_t)words->dims[batch_rank];

  request->mask = (simdrop_mask){.p = 0};
  if (request->words_each == KEY_WORDS && (!read_scalar(call, "stream", XLA_TYPE_S64, XLA_TYPE_U64, &request->mask.stream) ||
                                           !read_scalar(call, "offset", XLA_TYPE_S64, XLA_TYPE_U64, &request->mask.offset)))
    return "simdrop: the attributes stream and offset are missing";

  request->p = NULL;
  if (call->arguments.size == 3) {
    const xla_buffer *const p = buffer_at(&call->arguments, 2);
    if (p == NULL || (p->type != XLA_TYPE_F32 && p->type != XLA_TYPE_F64) || p->rank != batch_rank ||
        !same_extents(x, p, batch_rank))
      return "simdrop: p is one f32 or f64 for each example";
    request->p = p->data;
    request->p_is_double = p->type == XLA_TYPE_F64;
  } else if (!read_scalar(call, "p", XLA_TYPE_F64, XLA_TYPE_F64, &request->mask.p)) {
    return "simdrop: p is missing";
  }

  const xla_array *const strides = attribute(call, "index_strides", XLA_ATTRIBUTE_ARRAY);
  if (x->rank > batch_rank &&
      (strides == NULL || strides->type != XLA_TYPE_S64 || strides->size != (size_t)(x->rank - batch_rank)))
    return "simdrop: index_strides does not fit x";
  const simdrop_status status = describe(request, x, batch_rank, x->rank > batch_rank ? strides->data : NULL);
  if (status == SIMDROP_ERROR_RANK) return "simdrop: more than 8 axes remain when neighbours are merged";
  if (status != SIMDROP_OK) return simdrop_status_string(status);

  request->examples = 1;
  for (int64_t a = 0; a < batch_rank; ++a) request->examples *= (size_t)x->dims[a];
  request->x = x->data;
  request->y = y->data;
  return NULL;
}

static uint64_t join(const uint32_t *words) { return (uint64_t)words[0] << 32 | words[1]; }

static simdrop_status apply(const struct request *request, const simdrop_executor *executor, size_t example) {
  const uint32_t *const words = request->words + example * request->words_each;
  simdrop_mask mask = request->mask;
  mask.seed = join(words);
  if (request->words_each == ALL_WORDS) {
    mask.stream = join(words + 2);
    mask.offset = join(words + 4);
  }
  if (request->p != NULL)
    mask.p = request->p_is_double ? ((const double *)request->p)[example] : ((const float *)request->p)[example];

  const size_t place = example * request->elements * simdrop_dtype_size(request->dtype);
  const simdrop_layout *const layout = &request->layout;
  if (layout->rank == 1 && layout->index_strides[0] == 1)
    return simdrop_parallel_forward(executor, &mask, request->dtype, request->elements, request->x + place, request->y + place,
                                    NULL);
  return simdrop_parallel_forward_layout(executor, &mask, request->dtype, layout, request->x + place, request->y + place);
}

struct share {
  const struct request *request;
  size_t shares;
  atomic_int status;  // of any example that failed
};

static void apply_share(void *context, size_t piece) {
  struct share *const share = context;
  const size_t examples = share->request->examples;
  const size_t each = examples / share->shares, rest = examples % share->shares;
  const size_t begin = piece * each + (piece < rest ? piece : rest), end = begin + each + (piece < rest);
  for (size_t example = begin; example < end; ++example) {
    const simdrop_status status = apply(share->request, NULL, example);
    if (status != SIMDROP_OK) atomic_store(&share->status, (int)status);
  }
}

static simdrop_status apply_all(const struct request *request, xla_call *call) {
  // Asking XLA for its threads costs more than the dropout of a few elements.
  if ((uint64_t)request->elements * request->examples < CUT_FROM) {
    for (size_t example = 0; example < request->examples; ++example) {
      const simdrop_status status = apply(request, NULL, example);
      if (status != SIMDROP_OK) return status;
    }
    return SIMDROP_OK;
  }
  const simdrop_executor executor = simdrop_xla_executor(call);
  if (request->examples < executor.threads || executor.threads < 2) {
    for (size_t example = 0; example < request->examples; ++example) {
      const simdrop_status status = apply(request, &executor, example);
      if (status != SIMDROP_OK) return status;
    }
    return SIMDROP_OK;
  }
  struct share share = {.request = request, .shares = executor.threads};
  atomic_init(&share.status, SIMDROP_OK);
  executor.parallel_for(executor.context, share.shares, apply_share, &share);
  return (simdrop_status)atomic_load(&share.status);
}

int simdrop_xla_use_backend(const char *name) { return (int)simdrop_backend_select(name); }

const char *simdrop_xla_backend(void) { return simdrop_backend_current(); }

xla_error *simdrop_xla_dropout(xla_call *call) {
  xla_metadata_extension *const metadata = asked_for_metadata(call);
  if (metadata != NULL) {
    answer(call, metadata->metadata);
    return NULL;
  }
  if (call->struct_size < XLA_SIZE(xla_call, attributes) || call->api->struct_size < XLA_SIZE(xla_api, count_threads))
    return refuse(call, XLA_ERROR_UNIMPLEMENTED, "simdrop: this XLA has an older interface than 0.3");
  if (call->stage != XLA_STAGE_EXECUTE) return invalid(call, "simdrop: called for something other than to execute");

  struct request request;
  const char *const wrong = decode(call, &request);
  if (wrong != NULL) return invalid(call, wrong);
  const simdrop_status status = apply_all(&request, call);
  return status == SIMDROP_OK ? NULL : invalid(call, simdrop_status_string(status));
}
