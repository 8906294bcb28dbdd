/* template.h - a module, loaded and linked once, from which nanoprocesses are made by copying.
 *
 * template_new - link @a against @imports and keep what comes of it: what is the same in every
 *   instance, what is an address in the instance's own slot, and the first content of memory. Found
 *   by making the instance twice, in two places, and comparing. Modules that cannot be kept so
 *   (template_why() says why) are made anew each time, on a fiber of the heap: the calls are the same.
 *   @imports: functions of the host, or anything for a module that is made anew
 *   @a, @code, @fd: as loaded_module_new(); @options: of each store
 *   -EINVAL: code that needs guards for dense slots; else as instance_create(), with @trap.
 * template_take - a nanoprocess: store, instance, stack. Its start function has not run. @memory_max:
 *   bytes of all its memories, 0: no limit. -EAGAIN: every slot is taken.
 * template_give - it has ended, or is to: takes NULL. Its fiber must not be running; what C functions
 *   hold on its stack is forgotten. Nothing may be in flight that reads or writes its memory. Everything that it
 *   was is erased at once, and the slot is ready for the next.
 *
 * A slot is reset by writing back what differs from the template: the arrays, tables when they were
 * written, the pages of memory that were written. */
#pragma once

#include "engine/instance/instance.h"
#include "engine/instance/slots.h"

struct template;

struct template_figures {
        size_t objects_bytes;   /* copied for each reset */
        size_t arrays_bytes;    /* copied when tables were written */
        uint32_t addresses;     /* corrected in both */
        uint64_t memory_bytes, image_bytes;
        bool image_mapped;      /* copy-on-write from the artefact; else copied */
        uint64_t taken, bound;  /* nanoprocesses so far; slots that were made for them */
};

_must_check_ int template_new(struct slots *s, const struct store_options *options,
                              const struct artefact *a, void *code, int fd,
                              const struct extern_value *imports, struct template **ret,
                              struct trap_info *trap, struct error *err);
void template_free(struct template *t); /* takes NULL; none of its nanoprocesses is left */
bool template_busy(const struct template *t); /* some of them are left */
/* Before template_free(): at most @most of the slots that wait for the next are given back. True: none is left. */
bool template_shrink(struct template *t, unsigned most);
const char *template_why(const struct template *t); /* NULL: it is copied */
void template_figures(const struct template *t, struct template_figures *ret);

_must_check_ int template_take(struct template *t, void *host, uint64_t memory_max,
                               struct instance **ret, struct trap_info *trap, struct error *err);
void template_give(struct instance *i);
struct fiber *instance_fiber(const struct instance *i); /* of a nanoprocess; idle at first */
