/* The types of a random module, and the functions that look into their objects. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/generate_gc.h"

void gc_print(struct gc_gen *g, const char *format, ...)
{
        char text[1024];
        va_list ap;

        va_start(ap, format);
        buffer_append(g->out, text, (size_t)vsnprintf(text, sizeof(text), format, ap));
        va_end(ap);
}

void gc_print_heap(struct gc_gen *g, unsigned heap)
{
        static const char *const texts[] = { "any", "eq", "i31", "struct", "array", "none", "func" };

        if (heap < GC_TYPES_MAX)
                gc_print(g, "$t%u", heap);
        else
                gc_print(g, "%s", texts[heap - GC_ANY]);
}

void gc_print_type(struct gc_gen *g, struct gc_type_use t)
{
        static const struct { char letter; const char *text; } rows[] = {
                { 'i', "i32" }, { 'I', "i64" }, { 'f', "f32" },  { 'F', "f64" },
                { 'v', "v128" }, { '8', "i8" }, { '6', "i16" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].letter == t.letter)
                        gc_print(g, "%s", rows[i].text);
        if (t.letter != 'r')
                return;
        gc_print(g, t.null ? "(ref null " : "(ref ");
        gc_print_heap(g, t.heap);
        gc_print(g, ")");
}

bool gc_below(const struct gc_gen *g, unsigned heap, unsigned above)
{
        if (heap == above)
                return true;
        if (heap < GC_TYPES_MAX) {
                bool is_array = g->types[heap].is_array;

                for (int t = (int)heap; above < GC_TYPES_MAX && t >= 0; t = g->types[t].super)
                        if (t == (int)above)
                                return true;
                return above == GC_ANY || above == GC_EQ || above == (is_array ? GC_ARRAYS : GC_STRUCTS);
        }
        switch (heap) {
        case GC_NONE:
                return above != GC_FUNCS;
        case GC_EQ:
                return above == GC_ANY;
        case GC_I31:
        case GC_STRUCTS:
        case GC_ARRAYS:
                return above == GC_EQ || above == GC_ANY;
        default:
                return false;
        }
}

bool gc_fits(const struct gc_gen *g, struct gc_type_use t, struct gc_type_use want)
{
        if (t.letter != want.letter)
                return false;
        return t.letter != 'r' || ((want.null || !t.null) && gc_below(g, t.heap, want.heap));
}

struct gc_type_use gc_value_of(struct gc_type_use storage)
{
        if (storage.letter == '8' || storage.letter == '6')
                storage.letter = 'i';
        return storage;
}

struct gc_type_use gc_random_type(struct gc_gen *g)
{
        static const uint8_t heaps[] = { GC_ANY, GC_ANY, GC_EQ, GC_I31, GC_STRUCTS, GC_ARRAYS, GC_FUNCS };
        struct gc_type_use t = { "iiIfFvrrrrrrrr"[random_below(&g->dice, 14)], 0, true };

        if (t.letter == 'r')
                t.heap = random_chance(&g->dice, 60) ? (uint8_t)random_below(&g->dice, g->ntypes)
                                                    : heaps[random_below(&g->dice, sizeof(heaps))];
        return t;
}

/* Fields may name every type, for all are in one group; those that cannot be null, only ones that
 * come before, so that every type has a value. */
static struct gc_type_use random_storage(struct gc_gen *g, unsigned self)
{
        struct gc_type_use t = { 'i', 0, true };

        if (random_chance(&g->dice, 45)) {
                t.letter = "8866iIfFv"[random_below(&g->dice, 9)];
                return t;
        }
        t = gc_random_type(g);
        if (t.letter == 'r' && (t.heap < self || t.heap == GC_I31))
                t.null = random_chance(&g->dice, 80);
        return t;
}

static void make_type(struct gc_gen *g, unsigned self)
{
        struct gc_def *d = &g->types[self];
        unsigned more;

        *d = (struct gc_def) { .is_array = self < 2 ? self == 1 : random_chance(&g->dice, 35),
                               .super = -1,
                               .is_open = random_chance(&g->dice, 75) };
        if (self > 1 && random_chance(&g->dice, 60)) {
                unsigned super = random_below(&g->dice, self);

                if (g->types[super].is_open) {
                        *d = g->types[super];
                        d->super = (int)super;
                        d->is_open = random_chance(&g->dice, 75);
                }
        }
        more = d->is_array ? d->super < 0 : random_below(&g->dice, 4);
        for (; more > 0 && d->nfields < GC_FIELDS_MAX; more--) {
                d->fields[d->nfields].type = random_storage(g, self);
                d->fields[d->nfields++].mutable = random_chance(&g->dice, 75);
        }
        /* What cannot be written may become narrower. */
        for (unsigned i = 0; d->super >= 0 && i < d->nfields; i++) {
                struct gc_type_use *t = &d->fields[i].type;

                if (!d->fields[i].mutable && t->letter == 'r' && t->null && random_chance(&g->dice, 40))
                        for (unsigned k = 0; k < self; k++)
                                if (gc_below(g, k, t->heap) && random_chance(&g->dice, 40))
                                        t->heap = (uint8_t)k;
        }
}

void gc_make_types(struct gc_gen *g)
{
        unsigned n = 3 + random_below(&g->dice, GC_TYPES_MAX - 3);

        /* Whoever is drawn as a field's type before it is made counts as a structure; gc_below() is
         * asked of types that are made only. */
        g->ntypes = n;
        for (unsigned i = 0; i < n; i++)
                make_type(g, i);
}

static void print_field(struct gc_gen *g, const struct gc_def *d, unsigned i)
{
        gc_print(g, d->fields[i].mutable ? "(mut " : "");
        gc_print_type(g, d->fields[i].type);
        gc_print(g, d->fields[i].mutable ? ")" : "");
}

void gc_print_types(struct gc_gen *g)
{
        gc_print(g, "(rec\n");
        for (unsigned i = 0; i < g->ntypes; i++) {
                const struct gc_def *d = &g->types[i];

                gc_print(g, " (type $t%u (sub %s", i, d->is_open ? "" : "final ");
                if (d->super >= 0)
                        gc_print(g, "$t%d ", d->super);
                gc_print(g, d->is_array ? "(array " : "(struct");
                for (unsigned k = 0; k < d->nfields; k++) {
                        gc_print(g, d->is_array ? "" : " (field ");
                        print_field(g, d, k);
                        gc_print(g, d->is_array ? "" : ")");
                }
                gc_print(g, ")))\n");
        }
        gc_print(g, ")\n(type $step (func (param i32) (result i32)))\n");
}

/* What is on the stack, of type @t, as an i64 */
static void print_digest(struct gc_gen *g, struct gc_type_use t)
{
        switch (t.letter) {
        case 'f':
                gc_print(g, " i32.reinterpret_f32 i64.extend_i32_u");
                break;
        case 'F':
                gc_print(g, " i64.reinterpret_f64");
                break;
        case 'v':
                gc_print(g, " local.tee $v i64x2.extract_lane 0 local.get $v i64x2.extract_lane 1 call $mix");
                break;
        case 'I':
                break;
        case 'r':
                if (t.heap == GC_FUNCS)
                        gc_print(g, " ref.is_null i64.extend_i32_u");
                else
                        gc_print(g, " local.get $d i32.const 1 i32.sub call $hash");
                break;
        default:
                gc_print(g, " i64.extend_i32_s");
        }
}

static const char *get_sign(struct gc_gen *g, struct gc_type_use t)
{
        if (t.letter != '8' && t.letter != '6')
                return "";
        return random_chance(&g->dice, 50) ? "_s" : "_u";
}

static void print_struct_hash(struct gc_gen *g, unsigned type)
{
        const struct gc_def *d = &g->types[type];

        gc_print(g, " i64.const %u local.set $h\n", type + 100);
        for (unsigned i = 0; i < d->nfields; i++) {
                gc_print(g, "  local.get $h local.get $r ref.cast (ref $t%u) struct.get%s $t%u %u", type,
                         get_sign(g, d->fields[i].type), type, i);
                print_digest(g, d->fields[i].type);
                gc_print(g, " call $mix local.set $h\n");
        }
}

static void print_array_hash(struct gc_gen *g, unsigned type)
{
        struct gc_type_use t = g->types[type].fields[0].type;

        gc_print(g, " local.get $r ref.cast arrayref array.len local.tee $n i64.extend_i32_u local.set $h"
                 " i32.const 0 local.set $k\n  block loop local.get $k local.get $n i32.ge_u br_if 1"
                 " local.get $k i32.const %u i32.ge_u br_if 1\n   local.get $h local.get $r"
                 " ref.cast (ref $t%u) local.get $k array.get%s $t%u", t.letter == 'r' ? 4 : 64, type,
                 get_sign(g, t), type);
        print_digest(g, t);
        gc_print(g, " call $mix local.set $h\n   local.get $k i32.const 1 i32.add local.set $k br 0 end end\n");
}

/* The most derived types come last in the group, and are asked for first. */
void gc_print_hash(struct gc_gen *g)
{
        gc_print(g, "(func $mix (param i64 i64) (result i64) (i64.xor (i64.rotl (i64.mul (local.get 0)"
                 " (i64.const 0x9e3779b97f4a7c15)) (i64.const 23)) (local.get 1)))\n"
                 "(func $hash (param $r anyref) (param $d i32) (result i64) (local $h i64) (local $v v128)"
                 " (local $n i32) (local $k i32)\n"
                 " (if (ref.is_null (local.get $r)) (then (return (i64.const 1))))\n"
                 " (if (ref.test (ref i31) (local.get $r)) (then (return (i64.extend_i32_s"
                 " (i31.get_s (ref.cast (ref i31) (local.get $r)))))))\n"
                 " (if (i32.le_s (local.get $d) (i32.const 0)) (then (return (i64.const 2))))\n");
        for (unsigned i = g->ntypes; i-- > 0;) {
                gc_print(g, " (ref.test (ref $t%u) (local.get $r)) if\n ", i);
                if (g->types[i].is_array)
                        print_array_hash(g, i);
                else
                        print_struct_hash(g, i);
                gc_print(g, "  local.get $h return end\n");
        }
        gc_print(g, " i64.const 3)\n");
}
