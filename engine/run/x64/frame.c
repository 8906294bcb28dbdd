#define _GNU_SOURCE /* REG_... */

#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "engine/run/machine.h"

#define FRAME_ALIGN ((size_t)64) /* of the vector state; the copy keeps the frame's own alignment */

/* asm/sigcontext.h: struct _fpx_sw_bytes lies in the last bytes of the legacy area. */
#define SW_BYTES_AT     464
#define FP_XSTATE_MAGIC UINT32_C(0x46505853)
#define FP_LEGACY_BYTES ((size_t)512)

struct span {
        uint8_t *from, *to;
};

/* What the kernel pushed: return address, ucontext and siginfo, and above them the vector state. */
static struct span frame_of(const ucontext_t *u, const siginfo_t *info)
{
        uint8_t *fp = (uint8_t *)u->uc_mcontext.fpregs, *end = (uint8_t *)(info + 1);
        struct span s = { (uint8_t *)u - sizeof(void *), end };
        uint32_t sw[2];

        if (fp) {
                memcpy(sw, fp + SW_BYTES_AT, sizeof(sw));
                fp += sw[0] == FP_XSTATE_MAGIC ? sw[1] : FP_LEGACY_BYTES;
                if (fp > s.to)
                        s.to = fp;
        }
        return s;
}

void *machine_frame_copy(uint8_t *to, size_t room, void *ucontext, const void *siginfo)
{
        ucontext_t *u = ucontext, *copy;
        struct span s = frame_of(u, siginfo);
        size_t bytes = (size_t)(s.to - s.from), skew = (uintptr_t)s.from % FRAME_ALIGN;

        if (bytes + skew > room)
                return NULL;
        to += skew;
        memcpy(to, s.from, bytes);
        copy = (ucontext_t *)(void *)(to + sizeof(void *));
        if (u->uc_mcontext.fpregs)
                copy->uc_mcontext.fpregs = (void *)(to + ((uint8_t *)u->uc_mcontext.fpregs - s.from));
        return copy;
}
