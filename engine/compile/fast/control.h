/* control.h - blocks, branches, select.
 *
 * Where a label takes values, they travel in fixed places: a single result in RESULT_GPR or
 * RESULT_VECTOR, several
 * results and all parameters of loops in their stack slots, and the results of the function as
 * abi.h says. Below a block every entry is a constant or in its slot, so nothing else has to be
 * in agreement where paths meet. */
#pragma once

#include FAST_MACHINE(branch.h)

/* Popped condition @e into the flags. */
static unsigned condition_flags(struct generator *g, struct entry *e)
{
        struct entry zero = { .kind = ENTRY_CONST, .type = T_I32 };

        if (e->kind == ENTRY_FLAGS)
                return e->reg;
        (void)compare(g, CC_NE, T_I32, e, &zero);
        entry_release(g, e);
        return CC_NE;
}

static inline struct control *control_at(const struct generator *g, uint32_t depth)
{
        return &g->controls[g->ncontrols - 1 - depth];
}

static inline uint32_t control_arity(const struct control *c)
{
        return c->kind == CONTROL_LOOP ? c->nparams : c->nresults;
}

static inline bool arity_in_register(const struct control *c)
{
        return c->kind != CONTROL_LOOP && c->nresults == 1;
}

static inline unsigned result_register(unsigned type)
{
        return type_is_vector(type) ? RESULT_VECTOR : RESULT_GPR;
}

/* Where an exception goes that is thrown inside of the @n outer blocks: the innermost try_table of
 * them, or try that has not come to its catches, or out of the function. */
static uint32_t handler_label_from(struct generator *g, uint32_t n)
{
        for (uint32_t i = n; i-- > 0;) {
                struct control *c = &g->controls[i];

                if (c->kind == CONTROL_TRY || c->kind == CONTROL_LEGACY || i == 0) {
                        if (!c->handled)
                                c->handler = label_new(g);
                        c->handled = true;
                        return c->handler;
                }
        }
        return 0;
}

static uint32_t handler_label(struct generator *g)
{
        return handler_label_from(g, g->ncontrols);
}

static struct control *control_push(struct generator *g, enum control_kind kind,
                                    const struct functype *type)
{
        struct control *c;

        if (g->ncontrols == g->controls_room) {
                uint32_t room = g->controls_room ? 2 * g->controls_room : 64;
                struct control *grown = realloc(g->controls, room * sizeof(*grown));

                if (!grown) {
                        g->failed = true;
                        return NULL;
                }
                g->controls = grown;
                g->controls_room = room;
        }
        c = &g->controls[g->ncontrols++];
        *c = (struct control) {
                .kind = (uint8_t)kind,
                .base = g->top - type->nparams,
                .nparams = type->nparams,
                .nresults = type->nresults,
                .params = type->params,
                .results = type->results,
                .label = label_new(g),
        };
        return c;
}

/* Values that @c takes to where a copy can start from without state: into their slots. Before the
 * jump, so that it holds on both paths. */
static void branch_prepare(struct generator *g, const struct control *c)
{
        uint32_t n = control_arity(c);

        if (n == 0 || arity_in_register(c))
                return;
        for (uint32_t i = g->top - n; i < g->top; i++)
                entry_spill(g, i);
}

/* Is there anything to move for a branch to @c? */
static bool branch_moves(const struct generator *g, const struct control *c)
{
        uint32_t n = control_arity(c);
        const struct entry *e;

        if (n == 0)
                return false;
        if (arity_in_register(c)) {
                e = &g->stack[g->top - 1];
                return e->kind != ENTRY_REG || e->reg != result_register(e->type);
        }
        if (c->kind == CONTROL_FUNCTION)
                return true;
        for (uint32_t i = 0; i < n; i++) {
                e = &g->stack[g->top - n + i];
                if (e->kind != ENTRY_SLOT || e->slot != c->base + i)
                        return true;
        }
        return false;
}

/* Moves on the taken path. The stack is left as it is for the other path; every temporary may be
 * overwritten here, for what they hold above the target's height is dropped by the branch. */
static void branch_move(struct generator *g, const struct control *c)
{
        uint32_t n = control_arity(c);

        if (arity_in_register(c)) {
                const struct entry *e = &g->stack[g->top - 1];

                entry_load(g, e, result_register(e->type));
                return;
        }
        for (uint32_t i = 0; i < n; i++) {
                const struct entry *e = &g->stack[g->top - n + i];
                uint32_t k = c->kind == CONTROL_FUNCTION ? (i + 1) % n : i; /* the first one last */

                e = &g->stack[g->top - n + k];
                asm_room(&g->a);
                if (c->kind == CONTROL_FUNCTION) {
                        entry_load(g, e, result_register(e->type));
                        if (k > 0)
                                store_spill(g, e->type, result_register(e->type), k - 1);
                } else if (e->kind != ENTRY_SLOT || e->slot != c->base + k) {
                        entry_load(g, e, result_register(e->type));
                        store_frame(g, e->type, result_register(e->type), slot_at(g, c->base + k));
                        slot_used(g, c->base + k);
                }
        }
}

static void branch_jump(struct generator *g, struct control *c)
{
        if (c->kind == CONTROL_FUNCTION && !g->nsaved) {
                frame_leave(g);
                return;
        }
        c->targeted = true;
        jump_always(g, c->label);
}

static void branch_always(struct generator *g, uint32_t depth)
{
        struct control *c = control_at(g, depth);

        branch_prepare(g, c);
        branch_move(g, c);
        branch_jump(g, c);
}

static inline bool branch_is_unlikely(struct generator *g)
{
        const struct branch_hint *hint;

        if (_likely_(g->hint == g->hint_end))
                return false;
        hint = branch_hint_at(&g->hint, g->hint_end, wasm_here(g));
        return hint && !hint->likely;
}

/* The value travels on a path of its own, so that the other one has no jump. An entry says where its value is
 * without the code around it, so the move can be written later; a load that waits cannot. */
static bool branch_detour(struct generator *g, struct control *c, unsigned cc)
{
        uint32_t from = label_new(g);
        struct detour *d;

        if (g->stack[g->top - 1].kind == ENTRY_MEMORY || !array_room(g, &g->detours, sizeof(*d), 1))
                return false;
        d = (struct detour *)g->detours.items + g->detours.n++;
        *d = (struct detour) { from, c->label, g->stack[g->top - 1] };
        c->targeted = true;
        jump_condition(g, cc, from);
        return true;
}

static void detours_emit(struct generator *g)
{
        for (uint32_t i = 0; i < g->detours.n; i++) {
                const struct detour *d = (struct detour *)g->detours.items + i;

                asm_room(&g->a);
                label_bind(g, d->from);
                entry_load(g, &d->value, result_register(d->value.type));
                jump_always(g, d->to);
        }
}

static void branch_if(struct generator *g, uint32_t depth)
{
        struct control *c = control_at(g, depth);
        struct entry e = stack_pop(g);
        uint32_t over;
        unsigned cc;

        branch_prepare(g, c);
        cc = condition_flags(g, &e);
        if (!branch_moves(g, c)) {
                c->targeted = true;
                jump_condition(g, cc, c->label);
                return;
        }
        if (arity_in_register(c) && branch_is_unlikely(g) && branch_detour(g, c, cc))
                return;
        over = label_new(g);
        jump_condition(g, cc ^ 1, over);
        branch_move(g, c);
        branch_jump(g, c);
        label_bind(g, over);
}

/* What follows a label that was branched to: the stack as all paths left it. */
static void control_join(struct generator *g, const struct control *c)
{
        stack_cut(g, c->base);
        for (uint32_t i = 0; i < c->nresults; i++) {
                unsigned type = valtype_kind(c->results[i]);

                if (c->nresults > 1) {
                        push_slot(g, type);
                        continue;
                }
                g->used |= BIT(result_register(type));
                push_reg(g, type, result_register(type));
        }
        if (c->nresults > 1)
                g->flushed = g->top;
}

/* The values on the stack to where @c wants them, when the code just runs into its end. */
static void control_settle(struct generator *g, const struct control *c)
{
        struct entry e;

        if (c->nresults == 1) {
                e = stack_pop(g);
                entry_load(g, &e, result_register(e.type));
                entry_release(g, &e);
                return;
        }
        if (c->kind == CONTROL_FUNCTION && c->nresults) {
                branch_prepare(g, c);
                branch_move(g, c);
                return;
        }
        for (uint32_t i = c->base; i < g->top; i++) {
                entry_spill(g, i);
                entry_spill_constant(g, i);
        }
}

static void push_params(struct generator *g, const struct control *c)
{
        stack_cut(g, c->base);
        for (uint32_t i = 0; i < c->nparams; i++)
                push_slot(g, valtype_kind(c->params[i]));
        g->flushed = g->top;
}

static void block_begin(struct generator *g, enum control_kind kind, const struct functype *type)
{
        struct entry e = { 0 };
        struct control *c;
        unsigned cc;

        if (kind == CONTROL_IF)
                e = stack_pop(g);
        stack_flush(g);
        if (kind == CONTROL_LOOP || kind == CONTROL_IF)
                for (uint32_t i = 0; i < type->nparams; i++)
                        entry_spill_constant(g, g->top - 1 - i);
        c = control_push(g, kind, type);
        if (!c)
                return;
        if (kind == CONTROL_LOOP) {
                if (loops_matter(g, 8))
                        align_loop(g);
                label_bind(g, c->label);
        } else if (kind == CONTROL_IF) {
                c->otherwise = label_new(g);
                cc = condition_flags(g, &e);
                jump_condition(g, cc ^ 1, c->otherwise);
        }
}

/* @live: the code runs into the else. */
static void block_else(struct generator *g, bool live)
{
        struct control *c = control_at(g, 0);

        if (live) {
                control_settle(g, c);
                c->targeted = true;
                jump_always(g, c->label);
        }
        label_bind(g, c->otherwise);
        push_params(g, c);
        c->kind = CONTROL_ELSE;
}

/* Returns whether the code behind the end can be reached. */
static bool block_end(struct generator *g, bool live)
{
        struct control c = *control_at(g, 0);

        if (c.kind == CONTROL_IF && c.nparams) {
                block_else(g, live);
                c = *control_at(g, 0);
                live = true;
        } else if (c.kind == CONTROL_IF) {
                label_bind(g, c.otherwise); /* no results either */
                g->ncontrols--;
                if (c.targeted)
                        label_bind(g, c.label);
                stack_cut(g, c.base);
                return true;
        }
        g->ncontrols--;
        if (c.kind == CONTROL_LOOP || !c.targeted) {
                if (!live)
                        stack_cut(g, c.base);
                return live;
        }
        if (live)
                control_settle(g, &c);
        label_bind(g, c.label);
        control_join(g, &c);
        return true;
}

/* Label of a branch to @c from a table: where values must be moved, code of its own. */
static uint32_t table_label(struct generator *g, struct control *c)
{
        if (branch_moves(g, c) && !arity_in_register(c)) {
                if (!c->moves)
                        c->moves = label_new(g);
                return c->moves;
        }
        c->targeted = true;
        return c->label;
}

/* Code of the targets that need moves; each once, however often the table names it. */
static void table_moves(struct generator *g, const uint8_t *labels, uint32_t n)
{
        for (uint32_t i = 0; i <= n; i++) {
                struct control *c = control_at(g, (uint32_t)body_leb_u(&labels));

                if (!c->moves)
                        continue;
                asm_room(&g->a);
                label_bind(g, c->moves);
                c->moves = 0;
                branch_move(g, c);
                branch_jump(g, c);
        }
}

/* The values for all targets of a table, before the jump: one goes to the register where blocks
 * want it, several to slots. @index: popped, stays where it is or moves away. */
static void table_prepare(struct generator *g, const struct control *c, struct entry *index)
{
        struct entry value;
        unsigned reg;

        if (control_arity(c) != 1) {
                branch_prepare(g, c);
                return;
        }
        value = stack_pop(g);
        reg = result_register(value.type);
        entry_into(g, &value, reg, index, NULL);
        push_reg(g, value.type, reg);
}

static void branch_table(struct generator *g, uint32_t n)
{
        struct entry e = stack_pop(g);
        const uint8_t *labels = g->c.at;
        uint32_t first = g->targets.n;
        struct control *c;
        unsigned index;

        if (!array_room(g, &g->targets, sizeof(uint32_t), n + 1))
                return;
        (void)entry_temp(g, &e);
        for (uint32_t i = 0; i <= n; i++) {
                c = control_at(g, body_label(&g->c));
                if (i == 0)
                        table_prepare(g, c, &e);
                ((uint32_t *)g->targets.items)[g->targets.n++] = table_label(g, c);
        }
        index = e.reg;
        if (n < 4)
                table_compare(g, index, first, n);
        else
                table_jump(g, index, first, n);
        table_moves(g, labels, n);
        entry_release(g, &e);
}

static void branch_return(struct generator *g)
{
        branch_always(g, g->ncontrols - 1);
}
