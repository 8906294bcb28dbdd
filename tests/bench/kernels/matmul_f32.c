/* Product of two matrices of floats. */
#define REAL   float
#define MATMUL matmul_f32
#include "matmul.h"
