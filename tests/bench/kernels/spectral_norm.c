/* Eigenvalue by power iteration: divisions in a double loop. */
#include "kernel.h"

#define N 64

static double u[N], v[N], t[N];

static double element(int i, int j)
{
        return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(const double *x, double *y, int transposed)
{
        for (int i = 0; i < N; i++) {
                y[i] = 0;
                for (int j = 0; j < N; j++)
                        y[i] += (transposed ? element(j, i) : element(i, j)) * x[j];
        }
}

KERNEL(spectral_norm)
{
        double vbv = 0, vv = 0;

        for (int i = 0; i < N; i++)
                u[i] = 1;
        for (uint32_t i = 0; i < n * 10; i++) {
                times(u, t, 0);
                times(t, v, 1);
                times(v, t, 0);
                times(t, u, 1);
        }
        for (int i = 0; i < N; i++) {
                vbv += u[i] * v[i];
                vv += v[i] * v[i];
        }
        return bits_of(vbv / vv);
}
