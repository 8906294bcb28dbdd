#include "tests/fuzz/generate_gc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_globals(struct gc_gen *g)
{
        gc_print(g, "(global $fuel (mut i32) (i32.const 0))\n");
        for (unsigned i = 0; i < GC_GLOBALS; i++) {
                g->globals[i] = gc_random_type(g);
                gc_print(g, "(global $g%u (mut ", i);
                gc_print_type(g, g->globals[i]);
                gc_print(g, ") ");
                gc_constant(g, g->globals[i]);
                gc_print(g, ")\n");
        }
}

static void print_segments(struct gc_gen *g)
{
        gc_print(g, "(table $tab 8 anyref)\n(elem $e anyref");
        for (unsigned i = 0; i < 6; i++) {
                gc_print(g, " (item ");
                gc_constant(g, (struct gc_type_use) { 'r', i % 2 ? GC_ANY : GC_I31, i % 3 == 0 });
                gc_print(g, ")");
        }
        gc_print(g, ")\n(data $d \"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz\")\n"
                 "(elem declare func $step0 $step1)\n"
                 "(func $step0 (type $step) (i32.add (local.get 0) (i32.const 1)))\n"
                 "(func $step1 (type $step) (i32.mul (local.get 0) (i32.const 3)))\n");
}

/* The result of the function as an i64 */
static void print_result(struct gc_gen *g, struct gc_type_use t, const char *value)
{
        switch (t.letter) {
        case 'r':
                if (t.heap == GC_FUNCS)
                        gc_print(g, "(i64.extend_i32_u (ref.is_null %s))", value);
                else
                        gc_print(g, "(call $hash %s (i32.const 3))", value);
                break;
        case 'i':
                gc_print(g, "(i64.extend_i32_s %s)", value);
                break;
        case 'I':
                gc_print(g, "%s", value);
                break;
        case 'f':
                gc_print(g, "(i64.extend_i32_u (i32.reinterpret_f32 %s))", value);
                break;
        case 'F':
                gc_print(g, "(i64.reinterpret_f64 %s)", value);
                break;
        default:
                gc_print(g, "(i64x2.extract_lane 0 %s)", value);
        }
}

static void print_wrapper(struct gc_gen *g, unsigned f)
{
        char value[32];

        gc_print(g, "(func (export \"f%u\") (param i32 i32 i64) (result i64) (local $x ", f);
        gc_print_type(g, g->functions[f].result);
        gc_print(g, ")\n(global.set $fuel (i32.const 60)) (local.set $x (call $f%u", f);
        g->nlocals = 3;
        g->locals[0] = g->locals[1] = (struct gc_type_use) { 'i', 0, false };
        g->locals[2] = (struct gc_type_use) { 'I', 0, false };
        for (unsigned i = 0; i < g->functions[f].nparams; i++) {
                g->budget = 12;
                gc_print(g, " ");
                gc_expression(g, g->functions[f].params[i], 3);
        }
        snprintf(value, sizeof(value), "(local.get $x)");
        gc_print(g, "))\n");
        print_result(g, g->functions[f].result, value);
        gc_print(g, ")\n");
}

static void print_state(struct gc_gen *g)
{
        char value[32];

        gc_print(g, "(func (export \"state\") (result i64) (local i64)\n");
        for (unsigned i = 0; i < GC_GLOBALS + 8; i++) {
                gc_print(g, "(local.set 0 (call $mix (local.get 0) ");
                if (i < GC_GLOBALS) {
                        snprintf(value, sizeof(value), "(global.get $g%u)", i);
                        print_result(g, g->globals[i], value);
                } else {
                        gc_print(g, "(call $hash (table.get $tab (i32.const %u)) (i32.const 3))", i - GC_GLOBALS);
                }
                gc_print(g, "))\n");
        }
        gc_print(g, "(local.get 0))\n");
}

static void print_calls(struct gc_gen *g, unsigned times, struct buffer *calls)
{
        for (unsigned k = 0; k < times * g->nfunctions; k++) {
                char text[96];
                int n = snprintf(text, sizeof(text), "f%u i%" PRIx32 " i%" PRIx32 " I%" PRIx64 "\n",
                                 k % g->nfunctions, (uint32_t)random_integer(&g->dice),
                                 random_below(&g->dice, 8), random_integer(&g->dice));

                buffer_append(calls, text, (size_t)n);
        }
}

void generate_gc_module(uint64_t seed, unsigned times, struct buffer *text, struct buffer *calls)
{
        struct gc_gen g = { .dice.random = seed * 0x2545f4914f6cdd1d + 7, .out = text };

        gc_print(&g, "(module\n");
        gc_make_types(&g);
        gc_print_types(&g);
        print_globals(&g);
        print_segments(&g);
        gc_print_hash(&g);
        g.nfunctions = 1 + random_below(&g.dice, GC_FUNCTIONS);
        for (unsigned f = 0; f < g.nfunctions; f++) {
                g.functions[f].nparams = random_below(&g.dice, 4);
                for (unsigned i = 0; i < g.functions[f].nparams; i++)
                        g.functions[f].params[i] = gc_random_type(&g);
                g.functions[f].result = gc_random_type(&g);
        }
        for (unsigned f = 0; f < g.nfunctions; f++)
                gc_function(&g, f);
        for (unsigned f = 0; f < g.nfunctions; f++)
                print_wrapper(&g, f);
        print_state(&g);
        gc_print(&g, ")\n");
        print_calls(&g, times, calls);
}
