/* Gravity between five bodies: double arithmetic with divisions and square roots. */
#include "kernel.h"

#define BODIES 5

static struct body { double x, y, z, vx, vy, vz, mass; } bodies[BODIES];

static void set_up(void)
{
        for (int i = 0; i < BODIES; i++)
                bodies[i] = (struct body) { i * 1.7, 4.0 - i, i * i * 0.3, 0.01 * i, 0.02, -0.01 * i,
                                            1.0 / (1 + i) };
}

static void advance(double dt)
{
        for (int i = 0; i < BODIES; i++)
                for (int j = i + 1; j < BODIES; j++) {
                        struct body *a = &bodies[i], *b = &bodies[j];
                        double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
                        double d2 = dx * dx + dy * dy + dz * dz;
                        double mag = dt / (d2 * __builtin_sqrt(d2));

                        a->vx -= dx * b->mass * mag;
                        a->vy -= dy * b->mass * mag;
                        a->vz -= dz * b->mass * mag;
                        b->vx += dx * a->mass * mag;
                        b->vy += dy * a->mass * mag;
                        b->vz += dz * a->mass * mag;
                }
        for (int i = 0; i < BODIES; i++) {
                bodies[i].x += dt * bodies[i].vx;
                bodies[i].y += dt * bodies[i].vy;
                bodies[i].z += dt * bodies[i].vz;
        }
}

KERNEL(nbody)
{
        uint64_t sum = 0;

        set_up();
        for (uint32_t i = 0; i < n * 2000; i++)
                advance(0.001);
        for (int i = 0; i < BODIES; i++)
                sum = mix(sum, bits_of(bodies[i].x));
        return sum;
}
