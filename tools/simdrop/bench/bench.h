// simdrop bench, as commands.h has it.
#ifndef SIMDROP_TOOL_BENCH_BENCH_H
#define SIMDROP_TOOL_BENCH_BENCH_H

int run_bench(int argc, char **argv);

#endif
