/* The functions of a random module of structures and arrays: typed expressions, made from the outside
 * to the inside. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/generate_gc.h"

#define ARRAY_LEAST 4

#define INT  ((struct gc_type_use) { 'i', 0, false })
#define LONG ((struct gc_type_use) { 'I', 0, false })

static struct gc_type_use ref(unsigned heap, bool null)
{
        return (struct gc_type_use) { 'r', (uint8_t)heap, null };
}

static unsigned below(struct gc_gen *g, unsigned n)
{
        return random_below(&g->dice, n);
}

static bool chance(struct gc_gen *g, unsigned percent)
{
        return random_chance(&g->dice, percent);
}

/* A type of the module that is below @heap, of structures, arrays or both; -1: none was found. */
static int find_type(struct gc_gen *g, unsigned heap, bool structs, bool arrays)
{
        for (unsigned tries = 0; tries < 12; tries++) {
                unsigned t = below(g, g->ntypes);

                if (gc_below(g, t, heap) && (g->types[t].is_array ? arrays : structs))
                        return (int)t;
        }
        return -1;
}

static bool has_default(const struct gc_def *d)
{
        for (unsigned i = 0; i < d->nfields; i++)
                if (d->fields[i].type.letter == 'r' && !d->fields[i].type.null)
                        return false;
        return true;
}

/* An index of at most @mask, mostly: arrays have ARRAY_LEAST elements. */
static void print_index(struct gc_gen *g, unsigned depth, unsigned mask)
{
        if (chance(g, 60)) {
                gc_print(g, "(i32.const %u)", below(g, mask + 1));
                return;
        }
        gc_print(g, "(i32.and (i32.const %u) ", chance(g, 98) ? mask : 0xffff);
        gc_expression(g, INT, depth + 1);
        gc_print(g, ")");
}

#define NESTING_MAX 3 /* of constants: deeper, what may be null is */

/* A reference that is hardly ever null, for what would trap. */
static bool may_be_null(struct gc_gen *g)
{
        return below(g, 150) == 0;
}

static void print_literal(struct gc_gen *g, struct gc_type_use t)
{
        switch (t.letter) {
        case 'i':
        case '8':
        case '6':
                gc_print(g, "(i32.const %" PRId32 ")", (int32_t)random_integer(&g->dice));
                break;
        case 'I':
                gc_print(g, "(i64.const %" PRId64 ")", (int64_t)random_integer(&g->dice));
                break;
        case 'f':
        case 'F':
                gc_print(g, "(f%s.const %u.5)", t.letter == 'f' ? "32" : "64", below(g, 1000));
                break;
        case 'v':
                gc_print(g, "(v128.const i64x2 %" PRIu64 " %u)", random_integer(&g->dice), below(g, 99));
                break;
        default:
                gc_print(g, "(ref.null %s)", t.heap == GC_FUNCS ? "nofunc" : "none");
        }
}

/* A value of @t that exists: a reference is to a new object. */
static void print_new(struct gc_gen *g, unsigned type, unsigned depth, bool constant)
{
        const struct gc_def *d = &g->types[type];
        bool plain = has_default(d) && (constant || depth > 5 || g->budget < 0 || chance(g, 30));

        if (!d->is_array) {
                gc_print(g, plain ? "(struct.new_default $t%u" : "(struct.new $t%u", type);
                for (unsigned i = 0; !plain && i < d->nfields; i++) {
                        gc_print(g, " ");
                        if (constant)
                                gc_constant(g, gc_value_of(d->fields[i].type));
                        else
                                gc_expression(g, gc_value_of(d->fields[i].type), depth + 1);
                }
        } else if (plain) {
                gc_print(g, "(array.new_default $t%u (i32.const %u)", type, ARRAY_LEAST + below(g, 8));
        } else if (constant || chance(g, 50)) {
                unsigned n = ARRAY_LEAST + below(g, 3);

                gc_print(g, "(array.new_fixed $t%u %u", type, n);
                for (; n > 0; n--) {
                        gc_print(g, " ");
                        if (constant)
                                gc_constant(g, gc_value_of(d->fields[0].type));
                        else
                                gc_expression(g, gc_value_of(d->fields[0].type), depth + 1);
                }
        } else {
                gc_print(g, "(array.new $t%u ", type);
                gc_expression(g, gc_value_of(d->fields[0].type), depth + 1);
                gc_print(g, " (i32.or (i32.const %u) ", ARRAY_LEAST);
                print_index(g, depth, 15);
                gc_print(g, ")");
        }
        gc_print(g, ")");
}

/* The least that makes a value of @t; types before it suffice, and what may be null is, so it ends. */
void gc_constant(struct gc_gen *g, struct gc_type_use t)
{
        int type;

        if (t.letter != 'r' || t.heap == GC_FUNCS || t.heap == GC_NONE ||
            (t.null && (chance(g, 40) || g->nesting > NESTING_MAX))) {
                print_literal(g, t);
                return;
        }
        if (t.heap == GC_I31 || ((t.heap == GC_ANY || t.heap == GC_EQ) && chance(g, 60))) {
                gc_print(g, "(ref.i31 (i32.const %d))", (int)below(g, 2000) - 1000);
                return;
        }
        type = t.heap < GC_TYPES_MAX ? (int)t.heap
                                     : find_type(g, t.heap, t.heap != GC_ARRAYS, t.heap != GC_STRUCTS);
        if (type < 0) /* the first type is a structure, the second an array */
                type = t.heap == GC_ARRAYS;
        g->nesting++;
        print_new(g, (unsigned)type, 99, true);
        g->nesting--;
}

/* A local or global that fits; false when none is found. */
static bool print_variable(struct gc_gen *g, struct gc_type_use t)
{
        for (unsigned tries = 0; tries < 6; tries++) {
                unsigned i = below(g, g->nlocals + GC_GLOBALS);
                struct gc_type_use have = i < g->nlocals ? g->locals[i] : g->globals[i - g->nlocals];

                if (!gc_fits(g, have, t))
                        continue;
                if (i < g->nlocals)
                        gc_print(g, "(local.get %u)", i);
                else
                        gc_print(g, "(global.get $g%u)", i - g->nlocals);
                return true;
        }
        return false;
}

/* A field or element of a type that fits @t; false when none is found. */
static bool print_access(struct gc_gen *g, struct gc_type_use t, unsigned depth)
{
        for (unsigned tries = 0; tries < 10; tries++) {
                unsigned type = below(g, g->ntypes), i;
                const struct gc_def *d = &g->types[type];
                const char *sign = "";

                if (!d->nfields)
                        continue;
                i = below(g, d->nfields);
                if (!gc_fits(g, gc_value_of(d->fields[i].type), t))
                        continue;
                if (d->fields[i].type.letter == '8' || d->fields[i].type.letter == '6')
                        sign = chance(g, 50) ? "_s" : "_u";
                if (d->is_array)
                        gc_print(g, "(array.get%s $t%u ", sign, type);
                else
                        gc_print(g, "(struct.get%s $t%u %u ", sign, type, i);
                gc_expression(g, ref(type, may_be_null(g)), depth + 1);
                if (d->is_array) {
                        gc_print(g, " ");
                        print_index(g, depth, 3);
                }
                gc_print(g, ")");
                return true;
        }
        return false;
}

static bool print_call(struct gc_gen *g, struct gc_type_use t, unsigned depth)
{
        for (unsigned f = 0; f < g->nfunctions; f++) {
                if (!gc_fits(g, g->functions[f].result, t) || !chance(g, 40))
                        continue;
                gc_print(g, "(call $f%u", f);
                for (unsigned i = 0; i < g->functions[f].nparams; i++) {
                        gc_print(g, " ");
                        gc_expression(g, g->functions[f].params[i], depth + 1);
                }
                gc_print(g, ")");
                return true;
        }
        return false;
}

static const char *heap_top(struct gc_type_use t)
{
        return t.heap == GC_FUNCS ? "func" : "any";
}

/* The five ways from a wide reference to a narrow one. Those that fail trap, or take another value. */
static void print_cast(struct gc_gen *g, struct gc_type_use t, unsigned depth)
{
        struct gc_type_use wide = ref(t.heap == GC_FUNCS ? GC_FUNCS : GC_ANY, true);
        unsigned label = g->labels++;

        switch (below(g, 150) ? 1 + below(g, 2) : below(g, t.heap == GC_FUNCS ? 3 : 5)) {
        case 0:
                gc_print(g, "(ref.cast ");
                gc_print_type(g, t);
                gc_print(g, " ");
                gc_expression(g, wide, depth + 1);
                gc_print(g, ")");
                return;
        case 1: /* a value of @t behind a failing cast */
                gc_print(g, "(block $b%u (result ", label);
                gc_print_type(g, t);
                gc_print(g, ") (drop (br_on_cast $b%u (ref null %s) ", label, heap_top(t));
                gc_print_type(g, t);
                gc_print(g, " ");
                gc_expression(g, wide, depth + 1);
                gc_print(g, ")) ");
                gc_expression(g, t, depth + 2);
                gc_print(g, ")");
                return;
        case 2:
                gc_print(g, "(block $o%u (result ", label);
                gc_print_type(g, t);
                gc_print(g, ") (drop (block $b%u (result (ref null %s)) (br $o%u (br_on_cast_fail $b%u (ref null %s) ",
                         label, heap_top(t), label, label, heap_top(t));
                gc_print_type(g, t);
                gc_print(g, " ");
                gc_expression(g, wide, depth + 1);
                gc_print(g, ")))) ");
                gc_expression(g, t, depth + 2);
                gc_print(g, ")");
                return;
        case 3:
                gc_print(g, "(ref.cast ");
                gc_print_type(g, t);
                gc_print(g, " (any.convert_extern (extern.convert_any ");
                gc_expression(g, wide, depth + 1);
                gc_print(g, ")))");
                return;
        default:
                gc_print(g, "(ref.cast ");
                gc_print_type(g, t);
                gc_print(g, " (table.get $tab ");
                print_index(g, depth, 7);
                gc_print(g, "))");
        }
}

static void print_reference(struct gc_gen *g, struct gc_type_use t, unsigned depth)
{
        unsigned dice = below(g, 100);
        int type;

        if (t.heap == GC_FUNCS) {
                if (dice < 40)
                        gc_print(g, "(ref.func $step%u)", below(g, 2));
                else if (dice < 60)
                        print_cast(g, t, depth);
                else
                        gc_constant(g, t);
                return;
        }
        if (dice < 30) {
                type = find_type(g, t.heap, true, true);
                if (type >= 0) {
                        print_new(g, (unsigned)type, depth, false);
                        return;
                }
        }
        if (dice < 40 && (t.heap == GC_I31 || t.heap == GC_EQ || t.heap == GC_ANY)) {
                gc_print(g, "(ref.i31 ");
                gc_expression(g, INT, depth + 1);
                gc_print(g, ")");
                return;
        }
        if (dice < 60) {
                print_cast(g, t, depth);
        } else if (dice < 68) {
                gc_print(g, "(select (result ");
                gc_print_type(g, t);
                gc_print(g, ") ");
                gc_expression(g, t, depth + 1);
                gc_print(g, " ");
                gc_expression(g, t, depth + 1);
                gc_print(g, " ");
                gc_expression(g, INT, depth + 1);
                gc_print(g, ")");
        } else if (dice < 69 && !t.null && chance(g, 20)) {
                gc_print(g, "(ref.as_non_null ");
                gc_expression(g, ref(t.heap, true), depth + 1);
                gc_print(g, ")");
        } else if (dice < 84) {
                unsigned label = g->labels++;

                gc_print(g, "(block $b%u (result ", label);
                gc_print_type(g, t);
                gc_print(g, ") ");
                if (!t.null) {
                        gc_print(g, "(br_on_non_null $b%u ", label);
                        gc_expression(g, ref(t.heap, true), depth + 1);
                        gc_print(g, ") ");
                }
                gc_expression(g, t, depth + 2);
                gc_print(g, ")");
        } else {
                gc_constant(g, t);
        }
}

static void print_integer(struct gc_gen *g, unsigned depth)
{
        static const char *const operators[] = { "add", "sub", "xor", "and", "or", "lt_s", "eq", "mul" };

        switch (below(g, 8)) {
        case 0:
                gc_print(g, "(array.len ");
                gc_expression(g, ref(GC_ARRAYS, may_be_null(g)), depth + 1);
                gc_print(g, ")");
                break;
        case 1: {
                struct gc_type_use t = ref(chance(g, 60) ? below(g, g->ntypes) : GC_ANY + below(g, 6), chance(g, 30));

                gc_print(g, "(ref.test ");
                gc_print_type(g, t);
                gc_print(g, " ");
                gc_expression(g, ref(chance(g, 70) ? GC_ANY : GC_EQ, true), depth + 1);
                gc_print(g, ")");
                break;
        }
        case 2:
                gc_print(g, "(ref.eq ");
                gc_expression(g, ref(GC_EQ, true), depth + 1);
                gc_print(g, " ");
                gc_expression(g, ref(GC_EQ, true), depth + 1);
                gc_print(g, ")");
                break;
        case 3:
                gc_print(g, "(ref.is_null ");
                gc_expression(g, gc_random_type(g).letter == 'r' ? ref(GC_ANY, true) : ref(GC_FUNCS, true), depth + 1);
                gc_print(g, ")");
                break;
        case 4:
                gc_print(g, "(i31.get_%c ", chance(g, 50) ? 's' : 'u');
                gc_expression(g, ref(GC_I31, may_be_null(g)), depth + 1);
                gc_print(g, ")");
                break;
        case 5:
                gc_print(g, "(call_ref $step ");
                gc_expression(g, INT, depth + 1);
                if (chance(g, 99)) {
                        gc_print(g, " (ref.func $step%u))", below(g, 2));
                        break;
                }
                gc_print(g, " (ref.cast (ref $step) ");
                gc_expression(g, ref(GC_FUNCS, true), depth + 1);
                gc_print(g, "))");
                break;
        default:
                gc_print(g, "(i32.%s ", operators[below(g, ELEMENTSOF(operators))]);
                gc_expression(g, INT, depth + 1);
                gc_print(g, " ");
                gc_expression(g, INT, depth + 1);
                gc_print(g, ")");
        }
}

void gc_expression(struct gc_gen *g, struct gc_type_use t, unsigned depth)
{
        bool small = depth > 6 || g->budget-- < 0;
        unsigned dice = below(g, 100);

        if (dice < (small ? 70 : 35) && print_variable(g, t))
                return;
        if (small) {
                gc_constant(g, t);
                return;
        }
        if (dice < 55 && print_access(g, t, depth))
                return;
        if (dice < 60 && print_call(g, t, depth))
                return;
        if (t.letter == 'r') {
                print_reference(g, t, depth);
        } else if (t.letter == 'i') {
                print_integer(g, depth);
        } else if (t.letter == 'I') {
                gc_print(g, "(i64.%s (i64.extend_i32_s ", chance(g, 50) ? "add" : "xor");
                gc_expression(g, INT, depth + 1);
                gc_print(g, ") ");
                gc_expression(g, t, depth + 1);
                gc_print(g, ")");
        } else if (t.letter == 'v' && chance(g, 60)) {
                gc_print(g, "(i64x2.splat ");
                gc_expression(g, LONG, depth + 1);
                gc_print(g, ")");
        } else if (t.letter != 'v' && chance(g, 60)) {
                gc_print(g, "(f%s.convert_i32_s (i32.and (i32.const 0xffff) ", t.letter == 'f' ? "32" : "64");
                gc_expression(g, INT, depth + 1);
                gc_print(g, "))");
        } else {
                print_literal(g, t);
        }
}

/* ---- statements ----------------------------------------------------------------------------- */

static int mutable_type(struct gc_gen *g, bool array, unsigned *ret_field)
{
        for (unsigned tries = 0; tries < 12; tries++) {
                unsigned t = below(g, g->ntypes);
                const struct gc_def *d = &g->types[t];

                if (d->is_array != array || !d->nfields)
                        continue;
                *ret_field = below(g, d->nfields);
                if (d->fields[*ret_field].mutable)
                        return (int)t;
        }
        return -1;
}

static void print_struct_set(struct gc_gen *g)
{
        unsigned field;
        int t = mutable_type(g, false, &field);

        if (t < 0)
                return;
        gc_print(g, "(struct.set $t%d %u ", t, field);
        gc_expression(g, ref((unsigned)t, may_be_null(g)), 1);
        gc_print(g, " ");
        gc_expression(g, gc_value_of(g->types[t].fields[field].type), 1);
        gc_print(g, ")\n");
}

static void print_array_write(struct gc_gen *g)
{
        unsigned field, kind = below(g, 6);
        int t = mutable_type(g, true, &field), from;
        struct gc_type_use e;

        if (t < 0)
                return;
        e = g->types[t].fields[0].type;
        if (kind == 5 && e.letter == 'r')
                kind = e.heap == GC_ANY && e.null ? 4 : 0;
        if (kind == 4 && !(e.letter == 'r' && e.heap == GC_ANY && e.null))
                kind = 1;
        from = t;
        gc_print(g, "(array.%s $t%d ", kind < 2   ? "set"
                                       : kind == 2 ? "fill"
                                       : kind == 3 ? "copy"
                                       : kind == 4 ? "init_elem"
                                                   : "init_data", t);
        if (kind == 3)
                gc_print(g, "$t%d ", from);
        else if (kind > 3)
                gc_print(g, kind == 4 ? "$e " : "$d ");
        gc_expression(g, ref((unsigned)t, may_be_null(g)), 1);
        gc_print(g, " ");
        print_index(g, 1, kind < 2 ? 3 : 1);
        gc_print(g, " ");
        if (kind < 3)
                gc_expression(g, gc_value_of(e), 1);
        else if (kind == 3)
                gc_expression(g, ref((unsigned)from, may_be_null(g)), 1);
        else
                print_index(g, 1, 1);
        if (kind == 3) {
                gc_print(g, " ");
                print_index(g, 1, 1);
        }
        if (kind >= 2) {
                gc_print(g, " ");
                print_index(g, 1, 3);
        }
        gc_print(g, ")\n");
}

static void print_fuel(struct gc_gen *g)
{
        gc_print(g, "(global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))");
}

static void statement(struct gc_gen *g, unsigned depth)
{
        unsigned dice = below(g, 100), i, label = g->labels++;

        if (dice < 28) {
                i = below(g, g->nlocals);
                gc_print(g, "(local.set %u ", i);
                gc_expression(g, g->locals[i], 0);
                gc_print(g, ")\n");
        } else if (dice < 40) {
                i = below(g, GC_GLOBALS);
                gc_print(g, "(global.set $g%u ", i);
                gc_expression(g, g->globals[i], 0);
                gc_print(g, ")\n");
        } else if (dice < 55) {
                print_struct_set(g);
        } else if (dice < 70) {
                print_array_write(g);
        } else if (dice < 76) {
                gc_print(g, "(table.set $tab ");
                print_index(g, 1, 7);
                gc_print(g, " ");
                gc_expression(g, ref(GC_ANY, true), 1);
                gc_print(g, ")\n");
        } else if (dice < 80) {
                gc_print(g, "(drop ");
                gc_expression(g, gc_random_type(g), 0);
                gc_print(g, ")\n");
        } else if (depth < 3) {
                bool loop = dice >= 92;

                if (loop)
                        gc_print(g, "(loop $b%u ", label);
                else
                        gc_print(g, "(if ");
                if (loop)
                        print_fuel(g);
                else
                        gc_expression(g, INT, 1);
                gc_print(g, loop ? "" : " (then\n");
                for (unsigned n = 1 + below(g, 4); n > 0; n--)
                        statement(g, depth + 1);
                if (loop) {
                        gc_print(g, "(br_if $b%u (i32.and (i32.gt_s (global.get $fuel) (i32.const %u)) ", label,
                                 20 + below(g, 25));
                        gc_expression(g, INT, 3);
                        gc_print(g, "))");
                }
                gc_print(g, loop ? ")\n" : "))\n");
        }
}

void gc_function(struct gc_gen *g, unsigned index)
{
        g->nlocals = 0;
        g->budget = 250;
        gc_print(g, "(func $f%u", index);
        for (unsigned i = 0; i < g->functions[index].nparams; i++) {
                g->locals[g->nlocals++] = g->functions[index].params[i];
                gc_print(g, " (param ");
                gc_print_type(g, g->functions[index].params[i]);
                gc_print(g, ")");
        }
        gc_print(g, " (result ");
        gc_print_type(g, g->functions[index].result);
        gc_print(g, ")");
        for (unsigned i = 0; i < GC_LOCALS; i++) {
                struct gc_type_use t = gc_random_type(g);

                g->locals[g->nlocals++] = t;
                gc_print(g, " (local ");
                gc_print_type(g, t);
                gc_print(g, ")");
        }
        gc_print(g, "\n");
        print_fuel(g);
        gc_print(g, "(if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (return ");
        gc_constant(g, g->functions[index].result);
        gc_print(g, ")))\n");
        for (unsigned n = 3 + below(g, 12); n > 0; n--)
                statement(g, 0);
        gc_expression(g, g->functions[index].result, 0);
        gc_print(g, ")\n");
}
