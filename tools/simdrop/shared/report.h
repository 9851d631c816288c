// The tool's voice on failure: one sentence on stderr, then exit status 2.
#ifndef SIMDROP_TOOL_SHARED_REPORT_H
#define SIMDROP_TOOL_SHARED_REPORT_H

// Exit status for a bad argument, a bad file, or a machine that cannot do what was asked.
#define EXIT_REFUSED 2

#if defined(__GNUC__)
#define PRINTF_LIKE(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#else
#define PRINTF_LIKE(format_index, first_argument)
#endif

// Writes "simdrop: <sentence>" and a newline to stderr in one piece. Control characters become '?', so that a hostile file
// or file name can neither break the line nor drive the terminal.
void report_error(const char *format, ...) PRINTF_LIKE(1, 2);

// The same for what the user should know although it is no failure.
void report_note(const char *format, ...) PRINTF_LIKE(1, 2);

// Makes '?' of the control characters of a text, in place: of what the environment says, or a file is called, and a table
// shows.
void report_hide_controls(char *text);

#endif
