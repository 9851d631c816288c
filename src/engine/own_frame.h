// For functions that have much on the stack. Inlined, their arrays would be on it whenever the caller is, beside those of the
// next such function that it calls, and calls promise to need little (simdrop.h).
#ifndef SIMDROP_ENGINE_OWN_FRAME_H
#define SIMDROP_ENGINE_OWN_FRAME_H

#if defined(__GNUC__)
#define SIMDROP_OWN_FRAME __attribute__((noinline))
#else
#define SIMDROP_OWN_FRAME
#endif

#endif
