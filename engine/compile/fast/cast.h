/* cast.h - casts of references, as far as every machine does them alike. */
#pragma once

#include "engine/compile/fast/call.h"

/* Where a cast goes that fails: to a label, or into a trap. */
struct cast {
        bool traps;
        uint32_t label;
};

/* The machine's. Flags: E, @ref is no i31; of the kind of the object at @ref; and a jump when the type of the
 * object whose first word is in @t is not @type. */
static void load_head(struct generator *g, unsigned reg, int32_t field);
static struct operand object_at(unsigned base, unsigned ref, int32_t disp);
static void test_i31(struct generator *g, unsigned ref);
static void compare_kind(struct generator *g, unsigned ref, unsigned t, enum gc_kind kind);
static void cast_defined(struct generator *g, unsigned t, uint32_t type, const struct cast *c);

static struct operand type_word(const struct generator *g, uint32_t type)
{
        return op_gs(GPR_NONE, g->layout->types + 4 * (int32_t)type);
}

static void cast_fails(struct generator *g, const struct cast *c, unsigned cc)
{
        if (!c->traps)
                jump_label(g, cc, c->label);
        else if (cc == CC_ALWAYS)
                trap_here(g, TRAP_CAST, wasm_here(g));
        else
                trap_cold(g, cc, TRAP_CAST);
}

/* The reference in @ref, not null, of the any hierarchy. @t: a temporary. @matches: a label where a
 * cast goes that succeeds early. */
static void cast_object(struct generator *g, unsigned ref, unsigned t, uint32_t heap,
                        uint32_t matches, const struct cast *c)
{
        switch (heap) {
        case HEAP_ANY:
                break;
        case HEAP_NONE:
                cast_fails(g, c, CC_ALWAYS);
                break;
        case HEAP_I31:
                test_i31(g, ref);
                cast_fails(g, c, CC_E);
                break;
        case HEAP_EQ:
                test_i31(g, ref);
                jump_label(g, CC_NE, matches);
                compare_kind(g, ref, t, GC_EXTERN);
                cast_fails(g, c, CC_E);
                break;
        case HEAP_STRUCT:
        case HEAP_ARRAY:
                test_i31(g, ref);
                cast_fails(g, c, CC_NE);
                compare_kind(g, ref, t, heap == HEAP_STRUCT ? GC_STRUCT : GC_ARRAY);
                cast_fails(g, c, CC_NE);
                break;
        default:
                test_i31(g, ref);
                cast_fails(g, c, CC_NE);
                load_head(g, t, ABI_HEAD(heap));
                load_register(g, T_I32, t, object_at(t, ref, 0));
                cast_defined(g, t, heap, c);
                break;
        }
}
