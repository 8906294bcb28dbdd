/* guest.h - the guest's memory, as seen by a host call.
 *
 * A guest address is a number in a struct guest_ptr, which cannot be dereferenced. guest_span()
 * turns it and a length into a struct guest_span, the only way to the bytes, after the check that
 * all of them lie in the memory. Memory never shrinks and never moves, so a span stays good while the
 * call is suspended; but another thread of the guest may write to it at any time. So every word is
 * fetched once, into a struct of the host (guest_load), and only the copy is looked at.
 *
 * guest_span - @n elements of @size bytes at @p. WASI_FAULT, @ret untouched, when they pass the end.
 *   Zero bytes are fine anywhere up to the end. Nothing overflows: all is 64 bits wide.
 * guest_load, guest_store - copy @n bytes out of or into a span, from @offset on; the caller keeps
 *   inside the span (asserted).
 * guest_iov_load - copy an array of iovecs into the host and check each of them. At most
 *   GUEST_IOV_MAX; the sum is cut to GUEST_IO_MAX by shortening the vector, as Linux does. */
#pragma once

#include <sys/uio.h>

#include "shim/wasi/types.h"

#define GUEST_IOV_MAX 1024u
#define GUEST_IO_MAX  0x7ffff000u

struct guest {
        uint8_t *base;
        uint64_t bytes; /* size when the call began */
};

struct guest_ptr {
        uint32_t address;
};

struct guest_span {
        uint8_t *host; /* of the guest: it may change under us */
        uint64_t bytes;
};

struct guest_iov {
        unsigned n;
        uint32_t bytes; /* sum */
        struct iovec v[GUEST_IOV_MAX];
};

enum wasi_errno guest_span(const struct guest *g, struct guest_ptr p, uint64_t n, uint32_t size,
                           struct guest_span *ret);
void guest_load(const struct guest_span *s, uint64_t offset, void *host, size_t n);
void guest_store(const struct guest_span *s, uint64_t offset, const void *host, size_t n);
enum wasi_errno guest_iov_load(const struct guest *g, struct guest_ptr iovs, uint32_t n,
                               struct guest_iov *ret);

static inline struct guest_ptr guest_ptr(uint32_t address)
{
        return (struct guest_ptr) { address };
}

static inline void guest_store_u32(const struct guest_span *s, uint32_t value)
{
        guest_store(s, 0, &value, sizeof(value));
}

static inline void guest_store_u64(const struct guest_span *s, uint64_t value)
{
        guest_store(s, 0, &value, sizeof(value));
}
