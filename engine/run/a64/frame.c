#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "engine/run/machine.h"

/* asm/sigcontext.h: the records behind the general registers, and the one that says that there are
 * more of them above the frame. */
#define EXTRA_RECORD UINT32_C(0x45585401)

struct record {
        uint32_t magic, bytes;
};

struct extra_record {
        struct record head;
        uint64_t data;
        uint32_t bytes;
        uint32_t reserved[3];
};

static struct extra_record *extra_of(ucontext_t *u)
{
        uint8_t *at = u->uc_mcontext.__reserved, *end = at + sizeof(u->uc_mcontext.__reserved);
        struct record r;

        while ((size_t)(end - at) >= sizeof(struct extra_record)) {
                memcpy(&r, at, sizeof(r));
                if (r.magic == EXTRA_RECORD)
                        return (struct extra_record *)(void *)at;
                if (!r.magic || r.bytes < sizeof(r) || r.bytes > (size_t)(end - at))
                        break;
                at += r.bytes;
        }
        return NULL;
}

/* The frame begins with the siginfo, which lies before the ucontext. */
void *machine_frame_copy(uint8_t *to, size_t room, void *ucontext, const void *siginfo)
{
        ucontext_t *u = ucontext, *copy;
        const uint8_t *from = siginfo;
        struct extra_record *extra = extra_of(u);
        size_t bytes = (size_t)((const uint8_t *)(u + 1) - from), behind = 0;

        if (extra) {
                behind = (size_t)((const uint8_t *)(uintptr_t)extra->data - from);
                bytes = behind + extra->bytes;
        }
        if (bytes > room)
                return NULL;
        memcpy(to, from, bytes);
        copy = (ucontext_t *)(void *)(to + ((uint8_t *)u - from));
        if (extra)
                extra_of(copy)->data = (uintptr_t)(to + behind);
        return copy;
}
