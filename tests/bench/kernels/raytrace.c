/* Spheres by ray casting: double vectors, comparisons, square roots. */
#include "kernel.h"

struct vec { double x, y, z; };

static const struct sphere { struct vec at; double radius; } spheres[] = {
        { { 0, 0, 5 }, 1 },        { { 1.5, 0.5, 6 }, 1.2 }, { { -1.5, -0.5, 4 }, 0.7 },
        { { 0.3, 1.4, 4.5 }, 0.4 }, { { 0, -101, 5 }, 100 },
};

static double dot(struct vec a, struct vec b)
{
        return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vec scale(struct vec a, double s)
{
        return (struct vec) { a.x * s, a.y * s, a.z * s };
}

static struct vec minus(struct vec a, struct vec b)
{
        return (struct vec) { a.x - b.x, a.y - b.y, a.z - b.z };
}

static NOINLINE int nearest(struct vec from, struct vec along, double *ret)
{
        int hit = -1;

        for (int i = 0; i < (int)(sizeof(spheres) / sizeof(spheres[0])); i++) {
                struct vec to = minus(spheres[i].at, from);
                double b = dot(to, along);
                double d = b * b - dot(to, to) + spheres[i].radius * spheres[i].radius, t;

                if (d < 0)
                        continue;
                t = b - __builtin_sqrt(d);
                if (t > 1e-6 && (hit < 0 || t < *ret)) {
                        *ret = t;
                        hit = i;
                }
        }
        return hit;
}

KERNEL(raytrace)
{
        const int size = 48;
        uint64_t sum = 0;

        for (uint32_t round = 0; round < n; round++)
                for (int y = 0; y < size; y++)
                        for (int x = 0; x < size; x++) {
                                struct vec d = { (x - size / 2) / (double)size,
                                                 (size / 2 - y) / (double)size, 1 };
                                struct vec from = { 0.01 * (round % 10), 0, 0 };
                                double t = 0, light = 0;
                                int hit;

                                d = scale(d, 1 / __builtin_sqrt(dot(d, d)));
                                hit = nearest(from, d, &t);
                                if (hit >= 0) {
                                        struct vec p = scale(d, t), normal, sun = { 0.5, 0.7, -0.5 };
                                        double u;

                                        normal = scale(minus(p, spheres[hit].at), 1 / spheres[hit].radius);
                                        light = dot(normal, sun);
                                        if (light > 0 && nearest(p, sun, &u) >= 0)
                                                light *= 0.3;
                                }
                                sum += (uint64_t)(int64_t)(light * 1000 + 1000);
                        }
        return sum;
}
