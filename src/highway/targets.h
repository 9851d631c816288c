// For which of its targets Highway is to compile; before any of its headers.
#ifndef SIMDROP_HIGHWAY_TARGETS_H
#define SIMDROP_HIGHWAY_TARGETS_H

// No kernel uses AES or PCLMUL; without them Highway's SSE4 is for all processors with SSE4.2.
#define HWY_DISABLE_PCLMUL_AES
// These differ from SVE and SVE2 in the length that they take for granted, which a thread can change after the choice.
#define HWY_DISABLED_TARGETS (HWY_SVE_256 | HWY_SVE2_128)

#endif
