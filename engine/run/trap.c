#include <string.h>

#include "engine/run/machine.h"

struct run_hooks run_hooks;

/* One fiber's worth of frames, whatever a broken chain says: the stack bounds it. */
struct walk {
        const struct fiber *fiber;
        const struct guest_entry *entry;
        struct machine_state at;
        void *base;
        bool call; /* at.pc is a return address */
};

void run_set_hooks(const struct run_hooks *hooks)
{
        run_hooks = *hooks;
}

bool fiber_holds(const struct fiber *f, uintptr_t address, uintptr_t bytes)
{
        return address >= f->low && address <= f->high - bytes && address % 8 == 0;
}

static struct instance *instance_of_base(void *base)
{
        return *(struct instance **)((uint8_t *)base + ABI_HEAD(self));
}

/* From a frame of the guest to its caller's. A frame pointer must move up the stack, which also
 * ends a walk over a chain that is not one. */
static bool walk_up(struct walk *w)
{
        uintptr_t fp = w->at.fp;
        const uintptr_t *frame = (const uintptr_t *)fp;

        if (fp < w->at.sp || !fiber_holds(w->fiber, fp, 16))
                return false;
        w->at = (struct machine_state) { .pc = frame[1], .sp = fp + 16, .fp = frame[0] };
        w->call = true;
        return true;
}

/* Over what is not the guest's own: the thunk between two instances, and the C frames of a host
 * call that entered the guest again. False where the guest ends. */
static bool walk_borders(struct walk *w)
{
        for (;;) {
                if (w->at.pc == (uintptr_t)run_cross_return) {
                        if (!fiber_holds(w->fiber, w->at.fp + CROSS_FRAME_BASE, 8))
                                return false;
                        w->base = *(void **)(w->at.fp + CROSS_FRAME_BASE);
                        if (!walk_up(w))
                                return false;
                } else if (run_is_guest_code(w->at.pc)) {
                        return true;
                } else if (w->at.fp == (uintptr_t)w->entry + ENTRY_FRAME) {
                        const struct guest_entry *e = w->entry->outer;
                        uintptr_t sp = e ? (uintptr_t)e->exit_sp : 0;

                        if (!e || !fiber_holds(w->fiber, sp, 8))
                                return false;
                        w->base = w->entry->outer_base;
                        w->entry = e;
                        w->at = machine_exit(e);
                        w->call = true;
                } else {
                        return false;
                }
        }
}

static struct trap_frame frame_of(const struct walk *w)
{
        struct trap_frame unknown = { NULL, UINT32_MAX, ERROR_NOWHERE }, known;
        struct instance *i = w->base ? instance_of_base(w->base) : NULL;

        if (i && run_hooks.locate && run_hooks.locate(i, w->at.pc, w->call, &known))
                return known;
        return unknown;
}

void trap_capture(struct trap_info *ret, const struct fiber *f, enum trap trap,
                  struct machine_state state, void *base)
{
        struct walk w = { .fiber = f, .entry = f->entry, .at = state, .base = base };

        ret->trap = trap;
        ret->nframes = ret->nframes_all = 0;
        if (!run_is_guest_code(w.at.pc)) { /* in a thunk, or C */
                if (!machine_caller(&w.at, f))
                        return;
                w.call = true;
        } else if (machine_before_frame((const uint8_t *)w.at.pc)) {
                struct machine_state caller = w.at;

                if (machine_caller(&caller, f)) {
                        ret->frames[ret->nframes++] = frame_of(&w);
                        ret->nframes_all++;
                        w.at = caller;
                        w.call = true;
                }
        }
        while (walk_borders(&w)) {
                if (ret->nframes < TRAP_FRAMES_MAX)
                        ret->frames[ret->nframes++] = frame_of(&w);
                ret->nframes_all++;
                if (!walk_up(&w))
                        break;
        }
}
