// The subcommands, one file each. argv[0] is the command's name; the result is the exit status.
#ifndef SIMDROP_TOOL_COMMANDS_H
#define SIMDROP_TOOL_COMMANDS_H

int run_info(int argc, char **argv);
int run_mask(int argc, char **argv);
int run_apply(int argc, char **argv);
int run_bench(int argc, char **argv);
int run_verify(int argc, char **argv);  // where the tool is built with it

#endif
