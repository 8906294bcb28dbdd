/* label.h - labels: places that jumps lead to, known or not yet. */
#pragma once

#include FAST_MACHINE(frame.h)

static uint32_t label_new(struct generator *g)
{
        if (!array_room(g, &g->labels, sizeof(struct label), 1))
                return 0;
        ((struct label *)g->labels.items)[g->labels.n] = (struct label) { .pc = UINT32_MAX };
        return g->labels.n++;
}

static inline struct label *label_at(const struct generator *g, uint32_t label)
{
        return (struct label *)g->labels.items + label;
}

static void label_bind(struct generator *g, uint32_t label)
{
        struct label *l = label_at(g, label);

        l->pc = asm_pc(&g->a);
        g->flags_pc = UINT32_MAX; /* other paths come here with other flags */
        for (uint32_t n = l->fixups; n;) {
                const struct fixup *f = (struct fixup *)g->fixups.items + (n - 1);

                jump_patch(g, f->at, l->pc);
                n = f->next;
        }
        l->fixups = 0;
}

/* @cc: a condition of the machine that one jump can test, or CC_ALWAYS */
static void jump_label(struct generator *g, unsigned cc, uint32_t label)
{
        struct label *l = label_at(g, label);
        struct fixup *f;
        uint32_t at;

        if (l->pc != UINT32_MAX) {
                jump_back(g, cc, l->pc);
                return;
        }
        at = jump_ahead(g, cc);
        if (!array_room(g, &g->fixups, sizeof(*f), 1))
                return;
        f = (struct fixup *)g->fixups.items + g->fixups.n++;
        *f = (struct fixup) { at, l->fixups };
        l->fixups = g->fixups.n;
}

static inline void jump_always(struct generator *g, uint32_t label)
{
        jump_label(g, CC_ALWAYS, label);
}
