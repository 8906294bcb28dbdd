/* bench_wasmtime.h - Wasmtime's pooling allocator, through the C interface of its library, which is
 * opened at run time: what is needed of it is declared in the .c file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wasmtime_subject {
        void *engine, *module, *pre;
};

/* @library: path of libwasmtime.so; says why and returns false when it cannot be used. The module
 * imports one function without parameters and results, and exports "run". */
bool wasmtime_subject_make(struct wasmtime_subject *s, const char *library, const uint8_t *wasm,
                           size_t size);

/* One instance in a store that stays, and an export of it that takes and returns an i64. */
struct wasmtime_callee {
        void *store, *context;
        uint64_t function[2];
};

bool wasmtime_callee_make(const struct wasmtime_subject *s, const char *name, struct wasmtime_callee *ret);
/* @n calls, by the interface that checks no types. */
void wasmtime_calls(const struct wasmtime_callee *c, uint64_t argument, unsigned n);

/* @n times: a store, an instance, a call of "run", the store's end. @context: the subject. */
void wasmtime_cycles(void *context, unsigned n);
