// Compiled when the project is configured, and never run: the names of the backends that Highway generates with this compiler
// and its flags are in the program, after the word "generated". It does not compile with a Highway that cannot be used.
#include "highway/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "highway/generated.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which includes this file for all targets but one.
#include <hwy/highway.h>

#include "highway/backend-inl.h"

#ifdef SIMDROP_BACKEND
namespace HWY_NAMESPACE {
extern const char *const volatile name;
__attribute__((used)) const char *const volatile name = "generated:" SIMDROP_BACKEND_NAME ":";
}  // namespace HWY_NAMESPACE
#endif

#if HWY_ONCE
#if HWY_MAJOR < 1 || (HWY_MAJOR == 1 && HWY_MINOR == 0 && HWY_PATCH < 3)
#error "this Highway is older than 1.0.3"
#endif
int main() { return 0; }
#endif
