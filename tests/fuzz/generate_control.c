/* Control flow, calls, locals, and the instructions that opcodes.def marks with a star. */
#include <string.h>

#include "engine/decode/body.h"
#include "tests/fuzz/generate_body.h"

/* @types with one more letter behind */
static const char *with(const char *types, char last, char ret[SIGNATURE_MAX + 2])
{
        size_t n = strlen(types);

        memcpy(ret, types, n);
        ret[n] = last;
        ret[n + 1] = 0;
        return ret;
}

static const char *label_types(const struct body *c, unsigned depth)
{
        const struct label *l = &c->labels[c->nlabels - 1 - depth];

        return l->op == OP_LOOP ? l->params : l->results;
}

static void put_block_type(struct body *c, const char *params, const char *results)
{
        if (!*params && !*results)
                buffer_u8(c->out, 0x40);
        else if (!*params && !results[1])
                buffer_u8(c->out, type_byte(*results));
        else
                buffer_sleb(c->out, type_index(c->g, params, results));
}

static void put_block(struct body *c)
{
        static const enum opcode ops[] = { OP_BLOCK, OP_LOOP, OP_IF, OP_TRY, OP_TRY };
        struct label l = { .op = ops[random_below(c->g, c->g->legacy ? 5 : 3)] };
        unsigned nparams = random_below(c->g, 3), nresults = random_below(c->g, 3);

        if (c->nlabels == LABELS_MAX)
                return;
        if (random_chance(c->g, 50) || c->g->ntypes > TYPES_MAX - 4)
                nparams = 0, nresults = nresults > 1;
        if (l.op == OP_IF)
                need(c, "i", false);
        clean_top(c);
        pop_n(c, l.op == OP_IF);
        if (nparams > c->nstack - innermost(c)->height)
                nparams = c->nstack - innermost(c)->height;
        while (nparams && c->stack[c->nstack - 1].dirty) /* below the condition: not in our reach */
                nparams = 0;
        if (nparams == 2 && c->stack[c->nstack - 2].dirty)
                nparams = 1;
        for (unsigned i = 0; i < nparams; i++)
                l.params[i] = c->stack[c->nstack - nparams + i].type;
        for (unsigned i = 0; i < nresults; i++)
                l.results[i] = random_type(c->g);
        l.height = c->nstack - nparams;
        if (l.op == OP_LOOP && !nparams && random_chance(c->g, 70)) {
                int local = local_of(c, 'i');

                l.counted = local >= 0;
                l.counter = (unsigned)local;
                if (l.counted) {
                        put_i32(c, 1 + random_below(c->g, 12));
                        put_indexed(c, OP_LOCAL_SET, l.counter);
                }
        }
        put_op(c, l.op);
        put_block_type(c, l.params, l.results);
        c->labels[c->nlabels++] = l;
        if (l.op == OP_LOOP)
                put_fuel(c, 1);
}

/* Exactly the results above the height of the innermost label: keep what fits, drop the rest. */
static void settle(struct body *c)
{
        struct label *l = innermost(c);
        unsigned n = (unsigned)strlen(l->results), fit = 0;

        clean_top(c);
        while (fit < n && fit < c->nstack - l->height &&
               c->stack[l->height + fit].type == l->results[fit] && !c->stack[l->height + fit].dirty)
                fit++;
        if (l->dead)
                fit = 0;
        while (c->nstack - l->height > fit) {
                put_op(c, OP_DROP);
                c->nstack--;
        }
        for (; !l->dead && fit < n; fit++)
                make(c, l->results[fit]);
}

/* The end of a try or of a catch: another catch, mostly. Returns false when an end is due. */
static bool put_catch(struct body *c)
{
        struct label *l = innermost(c);
        unsigned tag = random_below(c->g, TAGS), dice = random_below(c->g, 100);

        if (l->op == OP_TRY && dice < 15 && c->nlabels > 1) {
                c->nlabels--;
                put_indexed(c, OP_DELEGATE, random_below(c->g, c->nlabels));
                c->nstack = l->height;
                push_all(c, l->results);
                return true;
        }
        if (l->op == OP_CATCH_ALL || dice >= (l->op == OP_TRY ? 90 : 30))
                return false;
        l->op = dice & 1 ? OP_CATCH : OP_CATCH_ALL;
        l->dead = false;
        c->nstack = l->height;
        if (l->op == OP_CATCH) {
                put_indexed(c, OP_CATCH, tag);
                push_all(c, tag_types[tag]);
        } else {
                put_op(c, OP_CATCH_ALL);
        }
        return true;
}

void finish(struct body *c)
{
        struct label *l = innermost(c);

        if (l->counted && !l->dead) {
                put_indexed(c, OP_LOCAL_GET, l->counter);
                put_i32(c, 1);
                put_op(c, OP_I32_SUB);
                put_indexed(c, OP_LOCAL_TEE, l->counter);
                put_indexed(c, OP_BR_IF, 0);
        }
        settle(c);
        if ((l->op == OP_TRY || l->op == OP_CATCH) && put_catch(c))
                return;
        if (l->op == OP_IF && (strcmp(l->params, l->results) || random_chance(c->g, 60))) {
                put_op(c, OP_ELSE);
                l->op = OP_ELSE;
                l->dead = false;
                c->nstack = l->height;
                push_all(c, l->params);
                return;
        }
        put_op(c, OP_END);
        c->nlabels--;
        c->nstack = l->height;
        if (c->nlabels)
                push_all(c, l->results);
}

static void put_branch(struct body *c)
{
        unsigned depth = random_below(c->g, c->nlabels);
        const char *types = label_types(c, depth);
        char wanted[SIGNATURE_MAX + 2];

        if (random_chance(c->g, 70)) {
                need(c, with(types, 'i', wanted), false);
                put_indexed(c, OP_BR_IF, depth);
                pop_n(c, (unsigned)strlen(wanted));
                push_all(c, types);
                return;
        }
        if (random_chance(c->g, 50)) {
                need(c, types, false);
                put_indexed(c, OP_BR, depth);
        } else {
                unsigned n = random_below(c->g, 6);

                need(c, with(types, 'i', wanted), false);
                if (random_chance(c->g, 70))
                        limit_top(c, 7);
                put_op(c, OP_BR_TABLE);
                buffer_uleb(c->out, n);
                for (unsigned i = 0; i < n; i++) {
                        unsigned other = random_below(c->g, c->nlabels);

                        buffer_uleb(c->out, strcmp(label_types(c, other), types) ? depth : other);
                }
                buffer_uleb(c->out, depth);
        }
        die(c);
}

static void put_call(struct body *c)
{
        unsigned f = random_below(c->g, c->g->nfunctions), type = c->g->function_types[f];
        const struct signature s = c->g->types[type];
        bool tail = random_chance(c->g, 40) && !strcmp(s.results, c->results);
        bool indirect = random_chance(c->g, 30);
        char wanted[SIGNATURE_MAX + 2];

        need(c, indirect ? with(s.params, 'i', wanted) : s.params, false);
        if (indirect) {
                limit_top(c, 7); /* the first is null, the next seven are functions */
                put_indexed(c, tail ? OP_RETURN_CALL_INDIRECT : OP_CALL_INDIRECT, type);
                buffer_uleb(c->out, 0);
        } else {
                put_indexed(c, tail ? OP_RETURN_CALL : OP_CALL, f);
        }
        pop_n(c, (unsigned)strlen(s.params) + indirect);
        if (tail)
                die(c);
        else
                push_all(c, s.results);
}

static void put_local(struct body *c)
{
        unsigned i = random_below(c->g, c->nlocals);
        char type[2] = { c->locals[i] };

        if (random_chance(c->g, 30)) {
                clean_top(c);
                put_indexed(c, OP_LOCAL_GET, i);
                push(c, *type);
                return;
        }
        need(c, type, false);
        if (random_chance(c->g, 60)) {
                put_indexed(c, OP_LOCAL_SET, i);
                pop_n(c, 1);
        } else {
                put_indexed(c, OP_LOCAL_TEE, i);
                pop_n(c, 1);
                push(c, *type);
        }
}

static void put_global(struct body *c)
{
        unsigned i = 1 + random_below(c->g, GLOBALS - 1);
        char type[2] = { global_types[i] };

        need(c, type, false);
        put_indexed(c, OP_GLOBAL_SET, i);
        pop_n(c, 1);
}

static void put_select(struct body *c)
{
        char type = random_type(c->g), wanted[4] = { type, type, 'i' };
        bool typed = type == 'r' || random_chance(c->g, 20);

        need(c, wanted, false);
        put_op(c, typed ? OP_SELECT_T : OP_SELECT);
        if (typed) {
                buffer_uleb(c->out, 1);
                buffer_u8(c->out, type_byte(type));
        }
        pop_n(c, 3);
        push(c, type);
}

/* Bulk and table instructions: operands one by one, each brought into a useful range. @operands:
 * a address, n length, t table index, s small, otherwise a type. */
static const struct bulk {
        enum opcode op;
        const char *operands, *results;
        uint8_t immediates[2], nimmediates;
} bulks[] = {
        { OP_MEMORY_FILL, "ain", "", { 0 }, 1 },
        { OP_MEMORY_COPY, "aan", "", { 0, 0 }, 2 },
        { OP_MEMORY_INIT, "ass", "", { PASSIVE_DATA, 0 }, 2 },
        { OP_DATA_DROP,   "",    "", { PASSIVE_DATA }, 1 },
        { OP_MEMORY_SIZE, "",    "i", { 0 }, 1 },
        { OP_MEMORY_GROW, "s",   "i", { 0 }, 1 },
        { OP_TABLE_GET,   "t",   "r", { 0 }, 1 },
        { OP_TABLE_SET,   "tr",  "", { 1 }, 1 },
        { OP_TABLE_SIZE,  "",    "i", { 1 }, 1 },
        { OP_TABLE_GROW,  "rs",  "i", { 1 }, 1 },
        { OP_TABLE_FILL,  "srs", "", { 1 }, 1 },
        { OP_TABLE_COPY,  "sss", "", { 1, 0 }, 2 },
        { OP_TABLE_COPY,  "sss", "", { 0, 1 }, 2 },
        { OP_TABLE_INIT,  "sss", "", { PASSIVE_ELEM, 1 }, 2 },
        { OP_ELEM_DROP,   "",    "", { PASSIVE_ELEM }, 1 },
        { OP_REF_IS_NULL, "r",   "i", { 0 }, 0 },
};

/* Operands that have the address type of memory 0. */
static bool is_wide(enum opcode op, char operand)
{
        switch (op) {
        case OP_MEMORY_FILL:
        case OP_MEMORY_COPY:
                return operand != 'i';
        case OP_MEMORY_INIT:
                return operand == 'a';
        default:
                return op == OP_MEMORY_GROW;
        }
}

/* Immediate @i of @op is a memory. */
static bool is_memory(enum opcode op, unsigned i)
{
        return op == OP_MEMORY_FILL || op == OP_MEMORY_COPY || op == OP_MEMORY_SIZE || op == OP_MEMORY_GROW ||
               (op == OP_MEMORY_INIT && i == 1);
}

static void put_bulk(struct body *c)
{
        const struct bulk *bulk = &bulks[random_below(c->g, ELEMENTSOF(bulks))];

        if ((bulk->op == OP_ELEM_DROP || bulk->op == OP_DATA_DROP) && random_chance(c->g, 70))
                return;
        for (const char *o = bulk->operands; *o; o++) {
                bool number = strchr("ants", *o);

                make(c, number ? 'i' : *o);
                if (number)
                        limit_top(c, *o == 'a' ? 0xffff : *o == 'n' ? 0x3ff : *o == 't' ? 7 : 1);
                if (is_wide(bulk->op, *o))
                        widen_top(c);
        }
        clean_top(c);
        put_op(c, bulk->op);
        for (unsigned i = 0; i < bulk->nimmediates; i++)
                buffer_uleb(c->out, c->g->memories > 1 && is_memory(bulk->op, i) ? random_below(c->g, c->g->memories)
                                                                                 : bulk->immediates[i]);
        pop_n(c, (unsigned)strlen(bulk->operands));
        push_all(c, c->g->wide && (bulk->op == OP_MEMORY_SIZE || bulk->op == OP_MEMORY_GROW) ? "I" : bulk->results);
}

/* What catches exceptions: a block that gets what a clause hands over, and in it a try_table. */
static void put_try(struct body *c)
{
        unsigned tag = random_below(c->g, TAGS), kind = random_below(c->g, 4);
        struct label outer = { .op = OP_BLOCK, .height = c->nstack }, inner = { .op = OP_TRY_TABLE };

        if (c->nlabels + 2 > LABELS_MAX || c->g->ntypes > TYPES_MAX - 4)
                return;
        clean_top(c);
        strcpy(outer.results, kind <= CATCH_REF ? tag_types[tag] : "");
        if (kind == CATCH_REF || kind == CATCH_ALL_REF)
                strcat(outer.results, "x");
        inner.height = outer.height;
        put_op(c, OP_BLOCK);
        put_block_type(c, "", outer.results);
        put_op(c, OP_TRY_TABLE);
        buffer_u8(c->out, 0x40);
        buffer_uleb(c->out, 1);
        buffer_u8(c->out, (uint8_t)kind);
        if (kind <= CATCH_REF)
                buffer_uleb(c->out, tag);
        buffer_uleb(c->out, 0);
        c->labels[c->nlabels++] = outer;
        c->labels[c->nlabels++] = inner;
}

static void put_throw(struct body *c)
{
        unsigned tag = random_below(c->g, TAGS);
        bool conditional = random_chance(c->g, 70);

        if (c->nstack > innermost(c)->height && c->stack[c->nstack - 1].type == 'x' && random_chance(c->g, 70)) {
                put_op(c, OP_THROW_REF);
                die(c);
                return;
        }
        if (conditional) { /* so that what follows is reached, too */
                if (c->nlabels == LABELS_MAX)
                        return;
                need(c, "i", false);
                put_op(c, OP_IF);
                pop_n(c, 1);
                put_block_type(c, "", "");
                c->labels[c->nlabels++] = (struct label) { .op = OP_ELSE, .height = c->nstack };
        }
        need(c, tag_types[tag], false);
        put_indexed(c, OP_THROW, tag);
        die(c);
        if (conditional)
                finish(c);
}

/* memory.atomic.wait: nobody wakes it, so it takes that time when the value is there. */
static void put_wait(struct body *c)
{
        bool two = random_chance(c->g, 50);

        put_address(c, two ? "I" : "i", two ? 8 : 4);
        put_op(c, OP_I64_CONST);
        buffer_sleb(c->out, (int)random_below(c->g, 3) * 700);
        put_op(c, two ? OP_MEMORY_ATOMIC_WAIT64 : OP_MEMORY_ATOMIC_WAIT32);
        buffer_uleb(c->out, two ? 3 : 2);
        buffer_uleb(c->out, 8 * random_below(c->g, 9));
        pop_n(c, 2);
        push(c, 'i');
}

/* What a catch around here has caught goes on. */
static void put_rethrow(struct body *c)
{
        unsigned depth = random_below(c->g, c->nlabels);
        enum opcode op = c->labels[c->nlabels - 1 - depth].op;

        if (op != OP_CATCH && op != OP_CATCH_ALL)
                return;
        put_indexed(c, OP_RETHROW, depth);
        die(c);
}

static void put_end_of_path(struct body *c)
{
        if (random_chance(c->g, 10)) {
                put_op(c, OP_UNREACHABLE);
        } else {
                need(c, c->results, false);
                put_op(c, OP_RETURN);
        }
        die(c);
}

void put_any(struct body *c)
{
        unsigned dice = random_below(c->g, 100);

        if (innermost(c)->dead && c->nlabels > 1 && random_chance(c->g, 60)) {
                finish(c);
        } else if (c->nstack > innermost(c)->height + 40) {
                put_op(c, OP_DROP);
                pop_n(c, 1);
        } else if (c->g->throws && dice >= 46 && dice < 52) {
                if (dice < 49)
                        put_try(c);
                else
                        put_throw(c);
        } else if (c->g->legacy && dice == 45) {
                put_rethrow(c);
        } else if (c->g->features && dice == 44 && (c->g->shared || random_chance(c->g, 10))) {
                put_wait(c);
        } else if (c->g->loops && dice >= 42 && dice < 46) {
                put_loop_over_elements(c);
        } else if (dice < 52) {
                put_plain(c);
        } else if (dice < 64) {
                put_local(c);
        } else if (dice < 67) {
                put_global(c);
        } else if (dice < 71) {
                put_select(c);
        } else if (dice < 77) {
                put_block(c);
        } else if (dice < 83) {
                if (c->nlabels > 1)
                        finish(c);
        } else if (dice < 89) {
                put_branch(c);
        } else if (dice < 91) {
                put_call(c);
        } else if (dice < 95) {
                put_bulk(c);
        } else if (dice < 96) {
                if (c->nlabels > 1 && random_chance(c->g, 30))
                        put_end_of_path(c);
        } else if (dice < 98) {
                make(c, random_type(c->g));
        } else if (c->nstack > innermost(c)->height) {
                put_op(c, OP_DROP);
                pop_n(c, 1);
        } else {
                put_op(c, OP_NOP);
        }
}
