// One walk through the pages for all ways, made for each width of vectors: stores of 16 bytes are not the quickest of a machine
// that has wider ones.
#include "bench/copies.h"

#include <stdint.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define LINE 64
#define LINES_AT_ONCE 4
#define PAGE 4096
#define FAR_AHEAD (8 * (size_t)PAGE)

// As many bytes as simdrop asks pages for in one go.
#define POPULATED_AT_ONCE ((size_t)1 << 20)

#define PAGED_WAYS(X, stores)                        \
  X("pages-1", stores, 1, 0)                         \
  X("pages-1-prefetch", stores, 1, 2 * (size_t)PAGE) \
  X("pages-2", stores, 2, FAR_AHEAD)                 \
  X("pages-4", stores, 4, FAR_AHEAD)                 \
  X("pages-8", stores, 8, FAR_AHEAD)
#define WAY(name, stores, pages, ahead) {name, stores, pages, ahead, false},

#if defined(__SSE2__) || defined(__aarch64__)
#define ENDS_WAY {"pages-1-ends", BENCH_STORES_NON_TEMPORAL, 1, 8 * (size_t)LINE, true},
#define NON_TEMPORAL_WAYS PAGED_WAYS(WAY, BENCH_STORES_NON_TEMPORAL) ENDS_WAY
#else
#define NON_TEMPORAL_WAYS
#endif

#define COUNT(array) (sizeof array / sizeof array[0])

#if defined(__linux__)
#define FRESH_WAYS 1
#define FRESH_WAY {"populated", BENCH_STORES_POPULATED, 1, 0, false},
#else
#define FRESH_WAYS 0
#define FRESH_WAY
#endif

bench_ways bench_ways_to_copy(bool is_fresh) {
  static const bench_way ways[] = {{"memcpy", BENCH_STORES_MEMCPY, 1, 0, false},
                                   {"cached", BENCH_STORES_ORDINARY, 1, 0, false},
                                   NON_TEMPORAL_WAYS FRESH_WAY};
  return (bench_ways){ways, COUNT(ways) - (is_fresh ? 0 : FRESH_WAYS)};
}

bench_ways bench_ways_to_add(void) {
  static const bench_way ways[] = {{"cached", BENCH_STORES_ORDINARY, 1, 0, false}, NON_TEMPORAL_WAYS};
  return (bench_ways){ways, COUNT(ways)};
}

bench_ways bench_ways_to_rewrite(void) {
  static const bench_way ways[] = {PAGED_WAYS(WAY, BENCH_STORES_ORDINARY)};
  return (bench_ways){ways, COUNT(ways)};
}

static inline void add_floats(const char *x, const char *r, char *y, size_t bytes) {
  for (size_t i = 0; i + sizeof(float) <= bytes; i += sizeof(float)) {
    float one, other;
    memcpy(&one, x + i, sizeof one);
    memcpy(&other, r + i, sizeof other);
    one += other;
    memcpy(y + i, &one, sizeof one);
  }
}

// r is what is added; x itself where nothing is.
typedef void move_line(const char *x, const char *r, char *y);

// What is asked for may lie behind the array, and then nothing happens.
static inline __attribute__((always_inline)) void ask_for_lines(const bench_way *way, const char *x) {
  for (size_t line = 0; line < LINES_AT_ONCE; ++line) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a pointer to what lies behind an array is not to be had by arithmetic
    __builtin_prefetch((const char *)((uintptr_t)x + way->ahead + line * LINE), 0, 2);
  }
}

static inline __attribute__((always_inline)) bool is_asked_for(const bench_way *way, const char *x) {
  return way->ahead > 0 && (!way->at_ends || (uintptr_t)x % PAGE >= PAGE - way->ahead);
}

// Stores past the caches find nothing of a page that they come to, and wait for it: as in the library's kernels, one line of it
// is asked for when the page before is begun.
static inline __attribute__((always_inline)) void ask_for_page(const bench_way *way, const char *y) {
  if (way->stores != BENCH_STORES_NON_TEMPORAL) return;
  __builtin_prefetch((const char *)((uintptr_t)y + way->pages * PAGE), 0, 0);  // NOLINT(performance-no-int-to-ptr): as above
}

// One page's next lines.
static inline __attribute__((always_inline)) void move_lines(move_line *move, const bench_way *way, const char *x,
                                                             const char *r, char *y) {
  if (is_asked_for(way, x)) ask_for_lines(way, x);
  if (r != x && is_asked_for(way, r)) ask_for_lines(way, r);
  for (size_t line = 0; line < LINES_AT_ONCE; ++line) move(x + line * LINE, r + line * LINE, y + line * LINE);
}

// y begins at a line. Returns the bytes moved, all but the last line's part.
static inline __attribute__((always_inline)) size_t walk(move_line *move, const bench_way *way, const char *x, const char *r,
                                                         char *y, size_t bytes) {
  const size_t group = way->pages * PAGE;
  size_t done = 0;
  for (; bytes - done >= group; done += group)
    for (size_t line = 0; line < PAGE; line += LINES_AT_ONCE * LINE)
      for (size_t page = 0; page < group; page += PAGE) {
        if (line == 0) ask_for_page(way, y + done + page);
        move_lines(move, way, x + done + page + line, r + done + page + line, y + done + page + line);
      }
  for (; bytes - done >= LINE; done += LINE) move(x + done, r + done, y + done);
  return done;
}

typedef size_t walk_function(const bench_way *way, const char *x, const char *r, char *y, size_t bytes);

#define DEFINE_WALK(move, attributes, added)                                                                        \
  attributes static size_t walk_##move(const bench_way *way, const char *x, const char *r, char *y, size_t bytes) { \
    (void)r;                                                                                                        \
    return walk(move, way, x, added, y, bytes);                                                                     \
  }

// By whether r is added, and whether stores go past the caches.
#define DEFINE_WALKS(width, attributes)                                             \
  DEFINE_WALK(store_line_##width, attributes, x)                                    \
  DEFINE_WALK(stream_line_##width, attributes, x)                                   \
  DEFINE_WALK(store_sum_##width, attributes, r)                                     \
  DEFINE_WALK(stream_sum_##width, attributes, r)                                    \
  static walk_function *const walks_##width[2][2] = {                               \
      {walk_store_line_##width, walk_stream_line_##width}, /* as x is */            \
      {walk_store_sum_##width, walk_stream_sum_##width}    /* the sum of x and r */ \
  };

// An empty instruction takes what was loaded as changed, so that the store is not left out where an array is rewritten.
#if defined(__SSE2__)

#define DEFINE_LINES(width, attributes, vector, load, add, store, stream)                                   \
  attributes static inline void store_line_##width(const char *x, const char *r, char *y) {                 \
    (void)r;                                                                                                \
    for (size_t i = 0; i < LINE; i += sizeof(vector)) {                                                     \
      vector part = load((const void *)(x + i));                                                            \
      __asm__ volatile("" : "+x"(part));                                                                    \
      store((void *)(y + i), part);                                                                         \
    }                                                                                                       \
  }                                                                                                         \
  attributes static inline void stream_line_##width(const char *x, const char *r, char *y) {                \
    (void)r;                                                                                                \
    for (size_t i = 0; i < LINE; i += sizeof(vector)) stream((void *)(y + i), load((const void *)(x + i))); \
  }                                                                                                         \
  attributes static inline void store_sum_##width(const char *x, const char *r, char *y) {                  \
    for (size_t i = 0; i < LINE; i += sizeof(vector))                                                       \
      store((void *)(y + i), add(load((const void *)(x + i)), load((const void *)(r + i))));                \
  }                                                                                                         \
  attributes static inline void stream_sum_##width(const char *x, const char *r, char *y) {                 \
    for (size_t i = 0; i < LINE; i += sizeof(vector))                                                       \
      stream((void *)(y + i), add(load((const void *)(x + i)), load((const void *)(r + i))));               \
  }                                                                                                         \
  DEFINE_WALKS(width, attributes)

#define ADD_16(x, r) _mm_castps_si128(_mm_add_ps(_mm_castsi128_ps(x), _mm_castsi128_ps(r)))
#define ADD_32(x, r) _mm256_castps_si256(_mm256_add_ps(_mm256_castsi256_ps(x), _mm256_castsi256_ps(r)))

// With 64 bytes the times were those of 32; with 16, arrays that the caches hold took twice as long to rewrite, and a copy of
// 256 MiB through eight pages 1.09 times as long (Zen 4).
#define TARGET_AVX2 __attribute__((target("avx2")))
DEFINE_LINES(16, , __m128i, _mm_loadu_si128, ADD_16, _mm_storeu_si128, _mm_stream_si128)
DEFINE_LINES(32, TARGET_AVX2, __m256i, _mm256_loadu_si256, ADD_32, _mm256_storeu_si256, _mm256_stream_si256)

static walk_function *find_walk(bool adds, bool streams) {
  return (__builtin_cpu_supports("avx2") ? walks_32 : walks_16)[adds][streams];
}

static void finish_streams(void) { _mm_sfence(); }

#elif defined(__aarch64__)

static inline void store_line_16(const char *x, const char *r, char *y) {
  (void)r;
  for (size_t i = 0; i < LINE; i += 16) {
    uint8x16_t part = vld1q_u8((const uint8_t *)x + i);
    __asm__ volatile("" : "+w"(part));
    vst1q_u8((uint8_t *)y + i, part);
  }
}

#define STREAM_32(y, one, other) __asm__ volatile("stnp %q1, %q2, [%0]" : : "r"(y), "w"(one), "w"(other) : "memory")

static inline void stream_line_16(const char *x, const char *r, char *y) {
  const uint8_t *const from = (const uint8_t *)x;
  (void)r;
  for (size_t i = 0; i < LINE; i += 32) STREAM_32(y + i, vld1q_u8(from + i), vld1q_u8(from + i + 16));
}

static inline uint8x16_t add_16(const char *x, const char *r) {
  const uint8x16_t one = vld1q_u8((const uint8_t *)x), other = vld1q_u8((const uint8_t *)r);
  return vreinterpretq_u8_f32(vaddq_f32(vreinterpretq_f32_u8(one), vreinterpretq_f32_u8(other)));
}

static inline void store_sum_16(const char *x, const char *r, char *y) {
  for (size_t i = 0; i < LINE; i += 16) vst1q_u8((uint8_t *)y + i, add_16(x + i, r + i));
}

static inline void stream_sum_16(const char *x, const char *r, char *y) {
  for (size_t i = 0; i < LINE; i += 32) STREAM_32(y + i, add_16(x + i, r + i), add_16(x + i + 16, r + i + 16));
}

DEFINE_WALKS(16, )

static walk_function *find_walk(bool adds, bool streams) { return walks_16[adds][streams]; }
static void finish_streams(void) {}

#else

static inline void store_line_64(const char *x, const char *r, char *y) {
  char line[LINE];
  (void)r;
  memcpy(line, x, LINE);
  __asm__ volatile("" : "+m"(line));
  memcpy(y, line, LINE);
}

static inline void store_sum_64(const char *x, const char *r, char *y) { add_floats(x, r, y, LINE); }

// No way asks for these.
#define stream_line_64 store_line_64
#define stream_sum_64 store_sum_64
DEFINE_WALKS(64, )

static walk_function *find_walk(bool adds, bool streams) { return walks_64[adds][streams]; }
static void finish_streams(void) {}

#endif

// Bytes until the next line.
static size_t bytes_before_line(const void *y, size_t bytes) {
  const size_t gap = (LINE - (uintptr_t)y % LINE) % LINE;
  return gap < bytes ? gap : bytes;
}

// From where a line of y begins; returns the bytes of whole lines. r is NULL where nothing is added.
static size_t walk_lines(const bench_way *way, const char *x, const char *r, char *y, size_t bytes) {
  const bool streams = way->stores == BENCH_STORES_NON_TEMPORAL;
  const size_t done = find_walk(r != NULL, streams)(way, x, r, y, bytes);
  if (streams) finish_streams();
  return done;
}

static void walk_all(const bench_way *way, const char *x, char *y, size_t bytes) {
  const bool is_copy = x != y;
  const size_t head = bytes_before_line(y, bytes);
  if (is_copy) memcpy(y, x, head);
  const size_t done = head + walk_lines(way, x + head, NULL, y + head, bytes - head);
  if (is_copy) memcpy(y + done, x + done, bytes - done);
}

void bench_add_bytes(const bench_way *way, const void *x, const void *r, void *y, size_t bytes) {
  const char *const one = x, *const other = r;
  char *const sum = y;
  const size_t head = bytes_before_line(sum, bytes);
  add_floats(one, other, sum, head);
  const size_t done = head + walk_lines(way, one + head, other + head, sum + head, bytes - head);
  add_floats(one + done, other + done, sum + done, bytes - done);
}

#if defined(__linux__)

#if !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23  // from Linux 5.14 on
#endif

// Memory that starts within a page has its first bytes written as they are.
static void populate(char *y, size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), skipped = (page - (uintptr_t)y % page) % page;
  if (bytes > skipped) madvise(y + skipped, bytes - skipped, MADV_POPULATE_WRITE);
}

#else

static void populate(char *y, size_t bytes) {
  (void)y;
  (void)bytes;
}

#endif

static void copy_populated(const char *x, char *y, size_t bytes) {
  for (size_t done = 0; done < bytes; done += POPULATED_AT_ONCE) {
    const size_t part = bytes - done < POPULATED_AT_ONCE ? bytes - done : POPULATED_AT_ONCE;
    populate(y + done, part);
    memcpy(y + done, x + done, part);
  }
}

void bench_move_bytes(const bench_way *way, const void *x, void *y, size_t bytes) {
  switch (way->stores) {
    case BENCH_STORES_MEMCPY: memcpy(y, x, bytes); break;
    case BENCH_STORES_POPULATED: copy_populated(x, y, bytes); break;
    default: walk_all(way, x, y, bytes); break;
  }
}
