// One new mapping for all outputs of a call.
#include "bench/fresh.h"

#include <sys/mman.h>
#include <unistd.h>

static size_t whole_pages(size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return (bytes + page - 1) / page * page;
}

bool bench_fresh_map(const bench_case *c, bench_fresh *fresh) {
  const size_t tensor = whole_pages(c->n * c->element_size), bits = whole_pages(c->n / 8 + 1), bytes = whole_pages(c->n);
  fresh->size = tensor + bits + bytes;
  fresh->memory = mmap(NULL, fresh->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh->memory == MAP_FAILED) return false;
  fresh->c = *c;
  fresh->c.y = fresh->memory;
  if (c->writes_bits) fresh->c.bits = (uint8_t *)fresh->memory + tensor;
  fresh->c.bytes = (uint8_t *)fresh->memory + tensor + bits;
  return true;
}

void bench_fresh_unmap(const bench_fresh *fresh) { munmap(fresh->memory, fresh->size); }
