// simdrop apply, as commands.h has it.
#ifndef SIMDROP_TOOL_APPLY_APPLY_H
#define SIMDROP_TOOL_APPLY_APPLY_H

int run_apply(int argc, char **argv);

#endif
