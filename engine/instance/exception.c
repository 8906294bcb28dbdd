#include "engine/instance/store.h"

static uint64_t bytes_of(uint32_t nvalues)
{
        return sizeof(struct exception) + (uint64_t)nvalues * sizeof(union value);
}

static struct exception *take_spare(struct store *s, uint32_t nvalues)
{
        struct exception *e = s->spare;

        s->spare = NULL;
        if (e && e->room < nvalues) {
                s->exception_bytes -= bytes_of(e->room);
                free(e);
                e = NULL;
        }
        return e;
}

static void make_spare(struct store *s, struct exception *e)
{
        if (s->spare && s->spare != e) {
                s->exception_bytes -= bytes_of(s->spare->room);
                free(s->spare);
        }
        s->spare = e;
}

/* There is one exception on its way at a time. What is still there was never caught: it has ended
 * a call from the host. */
struct exception *exception_new(struct store *s, const struct tag_object *tag)
{
        uint64_t bytes = bytes_of(tag->nvalues);
        struct exception *e;

        if (s->thrown)
                make_spare(s, s->thrown);
        s->thrown = NULL;
        e = take_spare(s, tag->nvalues);

        if (!e) {
                if (bytes > EXCEPTIONS_MAX - s->exception_bytes)
                        return NULL;
                e = aligned_alloc(16, (bytes + 15) & ~UINT64_C(15));
                if (!e)
                        return NULL;
                e->room = tag->nvalues;
                s->exception_bytes += bytes;
        }
        e->tag = tag;
        e->store = s;
        e->kept = false;
        e->next = NULL;
        s->thrown = e;
        return e;
}

/* Tags do not cross between stores, so of one from another store nobody sees more than that it is there. */
bool exception_catch(struct store *s, const struct tag_object *tag, bool keep, struct exception *e)
{
        if (tag && e->tag != tag)
                return false;
        s = e->store;
        if (s->thrown == e)
                s->thrown = NULL;
        if (keep && !e->kept) {
                e->kept = true;
                e->next = s->exceptions;
                s->exceptions = e;
        } else if (!e->kept) {
                make_spare(s, e);
        }
        return true;
}

void exceptions_done(struct store *s)
{
        for (struct exception *e = s->exceptions, *next; e; e = next) {
                next = e->next;
                free(e);
        }
        free(s->spare);
        free(s->thrown);
        s->exceptions = s->thrown = s->spare = NULL;
}
