/* args.c - arguments and environment. */
#include <string.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

struct strings_call {
        struct guest_span pointers, bytes;
        uint32_t address; /* of the bytes, for the guest */
        unsigned n;
        const char *copy;
};

static enum wasi_errno strings_get(const struct guest *g, struct strings_call *c, uint32_t pointers,
                                   uint32_t total)
{
        enum wasi_errno e = guest_span(g, guest_ptr(pointers), c->n, sizeof(uint32_t), &c->pointers);
        const char *p = c->copy;

        if (!e)
                e = guest_span(g, guest_ptr(c->address), total, 1, &c->bytes);
        if (e)
                return e;

        guest_store(&c->bytes, 0, c->copy, total);
        for (unsigned i = 0; i < c->n; i++) {
                uint32_t address = c->address + (p - c->copy);

                guest_store(&c->pointers, i * sizeof(address), &address, sizeof(address));
                p += strlen(p) + 1;
        }
        return WASI_SUCCESS;
}

static enum wasi_errno sizes_get(const struct guest *g, uint32_t ret_n, uint32_t ret_bytes,
                                 uint32_t n, uint32_t bytes)
{
        struct guest_span span_n, span_bytes;
        enum wasi_errno e = guest_span(g, guest_ptr(ret_n), 1, sizeof(uint32_t), &span_n);

        if (!e)
                e = guest_span(g, guest_ptr(ret_bytes), 1, sizeof(uint32_t), &span_bytes);
        if (e)
                return e;
        guest_store_u32(&span_n, n);
        guest_store_u32(&span_bytes, bytes);
        return WASI_SUCCESS;
}

uint32_t wasi_args_get(uint32_t argv, uint32_t buffer)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct strings_call c = { .address = buffer, .n = w->config.nargs, .copy = w->args_copy };

        return strings_get(&g, &c, argv, w->args_bytes);
}

uint32_t wasi_args_sizes_get(uint32_t ret_n, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);

        return sizes_get(&g, ret_n, ret_bytes, w->config.nargs, w->args_bytes);
}

uint32_t wasi_environ_get(uint32_t environ, uint32_t buffer)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct strings_call c = { .address = buffer, .n = w->config.nenv, .copy = w->env_copy };

        return strings_get(&g, &c, environ, w->env_bytes);
}

uint32_t wasi_environ_sizes_get(uint32_t ret_n, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);

        return sizes_get(&g, ret_n, ret_bytes, w->config.nenv, w->env_bytes);
}
