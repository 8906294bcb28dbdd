#include "shim/wasi/guest.h"

#include <assert.h>
#include <string.h>

enum wasi_errno guest_span(const struct guest *g, struct guest_ptr p, uint64_t n, uint32_t size,
                           struct guest_span *ret)
{
        uint64_t bytes;

        if (__builtin_mul_overflow(n, (uint64_t)size, &bytes))
                return WASI_FAULT;
        if (p.address > g->bytes || bytes > g->bytes - p.address)
                return WASI_FAULT;
        *ret = (struct guest_span) { .host = g->base + p.address, .bytes = bytes };
        return WASI_SUCCESS;
}

void guest_load(const struct guest_span *s, uint64_t offset, void *host, size_t n)
{
        assert(offset <= s->bytes && n <= s->bytes - offset);
        if (n == 0)
                return;
        memcpy(host, s->host + offset, n);
        /* Without this the compiler may drop the copy and fetch again from the guest at each use. */
        __asm__ volatile("" : : : "memory");
}

void guest_store(const struct guest_span *s, uint64_t offset, const void *host, size_t n)
{
        assert(offset <= s->bytes && n <= s->bytes - offset);
        if (n > 0)
                memcpy(s->host + offset, host, n);
}

enum wasi_errno guest_iov_load(const struct guest *g, struct guest_ptr iovs, uint32_t n,
                               struct guest_iov *ret)
{
        struct guest_span array, data;
        enum wasi_errno e;

        if (n > GUEST_IOV_MAX)
                return WASI_INVAL;
        e = guest_span(g, iovs, n, sizeof(struct wasi_iovec), &array);
        if (e)
                return e;

        ret->n = 0;
        ret->bytes = 0;
        for (uint32_t i = 0; i < n; i++) {
                struct wasi_iovec iov;
                uint64_t bytes;

                guest_load(&array, (uint64_t)i * sizeof(iov), &iov, sizeof(iov));
                e = guest_span(g, guest_ptr(iov.address), iov.bytes, 1, &data);
                if (e)
                        return e;
                bytes = data.bytes;
                if (bytes > GUEST_IO_MAX - ret->bytes)
                        bytes = GUEST_IO_MAX - ret->bytes;
                if (bytes == 0)
                        continue;
                ret->v[ret->n++] = (struct iovec) { .iov_base = data.host, .iov_len = bytes };
                ret->bytes += bytes;
        }
        return WASI_SUCCESS;
}
