// Normalisation of residual + dropout(x + bias), and its gradients, element by element: the definition. docs/fused.md has it in
// formulas.
#include "common/norm.h"
#include "scalar/backend.h"
#include "scalar/computed.h"

#define TYPE f32
#include "scalar/norm_body.h"
#define TYPE f64
#include "scalar/norm_body.h"
#define TYPE f16
#include "scalar/norm_body.h"
#define TYPE bf16
#include "scalar/norm_body.h"
