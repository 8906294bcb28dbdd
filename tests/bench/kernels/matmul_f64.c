/* Product of two matrices of doubles. */
#define REAL   double
#define MATMUL matmul_f64
#include "matmul.h"
