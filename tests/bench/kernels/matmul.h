/* matmul.h - product of two matrices of REAL, in KERNEL(MATMUL). */
#include "kernel.h"

#define N 64

static REAL a[N][N], b[N][N], c[N][N];

KERNEL(MATMUL)
{
        uint64_t sum = 0;

        for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) {
                        a[i][j] = (REAL)(i + j) / 8;
                        b[i][j] = (REAL)(i - j) / 4;
                }
        for (uint32_t round = 0; round < n; round++) {
                for (int i = 0; i < N; i++)
                        for (int j = 0; j < N; j++)
                                c[i][j] = 0;
                for (int i = 0; i < N; i++)
                        for (int k = 0; k < N; k++)
                                for (int j = 0; j < N; j++)
                                        c[i][j] += a[i][k] * b[k][j];
                a[round % N][3] = c[5][round % N] / 1024;
        }
        for (int i = 0; i < N; i++)
                sum = mix(sum, bits_of((double)c[i][i]));
        return sum;
}
