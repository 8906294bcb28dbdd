/* legacy.h - exceptions before 3.0: try, catch, catch_all, delegate, rethrow.
 *
 * The handler of a try is the code of its first catch. The exception lies in a slot of its own below the
 * operands of the catches, for those that follow and for a rethrow. */
#pragma once

#include "engine/compile/fast/call.h"

/* The end of the part before and the beginning of the next one; @tag UINT32_MAX: catch_all. Returns whether
 * its code can be reached: nothing may be thrown in the try. */
static bool legacy_catch(struct generator *g, uint32_t tag, bool live)
{
        const struct functype *type = tag != UINT32_MAX ? &g->m->types[g->m->tags[tag].type]
                                                        : &(struct functype) { 0 };
        const uint32_t fixed[] = { tag, g->facts->has_rethrow };
        struct control *c = control_at(g, 0);
        uint32_t base = c->base;
        bool first = c->kind == CONTROL_LEGACY;

        if (live)
                branch_always(g, 0);
        c->kind = CONTROL_CATCH;
        stack_cut(g, base);
        g->used = 0;
        if (!c->handled)
                return false;
        asm_room(&g->a);
        label_bind(g, first ? c->handler : c->otherwise);
        if (first)
                take_thrown(g, base);
        push_slot(g, T_REF);
        push_slot(g, T_REF);
        g->stack[base + 1].slot = base;
        call_builtin(g, BUILTIN_exception_catch, fixed, 2, 1, T_I32);
        stack_cut(g, base + 1);
        g->used = 0;
        c->otherwise = 0;
        if (tag != UINT32_MAX) {
                c->otherwise = label_new(g);
                test_register(g, 0, RESULT_GPR);
                jump_condition(g, CC_E, c->otherwise);
        }
        load_frame(g, T_REF, CALL_REG, slot_at(g, base));
        push_exception_values(g, type);
        g->flushed = g->top;
        return true;
}

static void legacy_rethrow(struct generator *g, uint32_t depth)
{
        load_frame(g, T_REF, CALL_REG, slot_at(g, control_at(g, depth)->base));
        throw_away(g);
}

/* The end of the block, with "end" or, at @depth blocks around it, "delegate". Returns as block_end(). */
static bool legacy_end(struct generator *g, bool live, uint32_t depth)
{
        struct control c = *control_at(g, 0);

        if (c.kind == CONTROL_LEGACY && !c.handled)
                return block_end(g, live);
        if (live)
                branch_always(g, 0);
        c = *control_at(g, 0);
        g->ncontrols--;
        stack_cut(g, c.base);
        g->used = 0;
        asm_room(&g->a);
        if (c.kind == CONTROL_LEGACY) {
                label_bind(g, c.handler);
                jump_always(g, handler_label_from(g, g->ncontrols - depth));
        } else if (c.otherwise) {
                label_bind(g, c.otherwise);
                load_frame(g, T_REF, CALL_REG, slot_at(g, c.base));
                throw_away(g);
        }
        if (!c.targeted)
                return false;
        label_bind(g, c.label);
        control_join(g, &c);
        return true;
}
