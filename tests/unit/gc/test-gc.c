#include <string.h>

#include "engine/gc/gc.h"
#include "tests/unit/unit.h"

/* Without the library's note of every assertion that holds: there are millions. */
#define hold(condition)                                    \
        do {                                               \
                if (!(condition))                          \
                        ck_abort_msg("%s", #condition);    \
        } while (0)

/* A node has a number and two references; the arrays hold references, external ones, and bytes. */
enum { NODE = 1, REFS, EXTERNS, BYTES, NTYPES };

static const struct gc_field node_fields[] = { { .offset = 4 }, { .offset = 8 } };
static const struct gc_field any_element[] = { { .offset = 0 } };
static const struct gc_field extern_element[] = { { .is_extern = 1 } };
static const struct gc_type types[NTYPES] = {
        [NODE] = { GC_STRUCT, 16, 2, node_fields },
        [REFS] = { GC_ARRAY, 4, 1, any_element },
        [EXTERNS] = { GC_ARRAY, 8, 1, extern_element },
        [BYTES] = { GC_ARRAY, 1, 0, NULL },
};

#define ROOTS 64

struct world {
        struct gc_heap *h;
        uint32_t roots[ROOTS];
        uint64_t extern_root;
        const void *low, *high;
        uint64_t used;
        unsigned yields;
};

static void roots_of(void *context, struct gc_heap *h)
{
        struct world *w = context;

        for (unsigned i = 0; i < ROOTS; i++)
                gc_root(h, w->roots[i]);
        gc_root_extern(h, w->extern_root);
        if (w->low)
                gc_root_words(h, w->low, w->high);
}

static void yielded(void *context)
{
        ((struct world *)context)->yields++;
}

static void world_new(struct world *w, uint64_t used_max, bool stress)
{
        struct gc_options o = { .bytes_used = &w->used, .bytes_used_max = used_max, .roots = roots_of,
                                .yield = yielded, .context = w, .stress = stress };

        memset(w, 0, sizeof(*w));
        ck_assert_int_eq(gc_heap_new(&o, &w->h, NULL), 0);
        gc_heap_set_types(w->h, types, NTYPES);
}

static void world_done(struct world *w)
{
        gc_heap_free(w->h);
        ck_assert_uint_eq(w->used, 0);
}

static uint32_t *words(struct world *w, uint32_t ref)
{
        return (uint32_t *)(gc_heap_base(w->h) + ref);
}

static uint32_t random_next(uint32_t *state)
{
        *state = *state * 1664525u + 1013904223u;
        return *state >> 8;
}

/* The same graph in C: what a walk from the roots finds must be what the heap keeps, value by value. */
struct shadow {
        uint32_t left, right, ref, value; /* .left, .right: index + 1 */
};

static uint32_t check_graph(struct world *w, const struct shadow *all, const uint32_t *roots,
                            uint32_t *stack, uint8_t *seen, uint32_t n)
{
        uint32_t depth = 0, found = 0;

        memset(seen, 0, n);
        for (unsigned i = 0; i < ROOTS; i++)
                if (roots[i] && !seen[roots[i] - 1]) {
                        seen[roots[i] - 1] = 1;
                        stack[depth++] = roots[i] - 1;
                }
        while (depth) {
                const struct shadow *s = &all[stack[--depth]];
                const uint32_t next[2] = { s->left, s->right };

                found++;
                hold(words(w, s->ref)[0] == GC_WORD(GC_STRUCT, NODE));
                hold(words(w, s->ref)[3] == s->value);
                for (unsigned k = 0; k < 2; k++) {
                        hold(words(w, s->ref)[1 + k] == (next[k] ? all[next[k] - 1].ref : 0));
                        if (next[k] && !seen[next[k] - 1]) {
                                seen[next[k] - 1] = 1;
                                stack[depth++] = next[k] - 1;
                        }
                }
        }
        return found;
}

static void churn(bool stress, uint32_t n, uint32_t every)
{
        struct shadow *all = calloc(n, sizeof(*all));
        uint32_t *stack = calloc(n, sizeof(*stack)), roots[ROOTS] = { 0 }, state = 7;
        uint8_t *seen = calloc(n, 1);
        struct world w;

        world_new(&w, 0, stress);
        for (uint32_t i = 0; i < n; i++) {
                unsigned a = random_next(&state) % ROOTS, b = random_next(&state) % ROOTS;
                uint32_t ref;

                if (random_next(&state) % 3 == 0)
                        hold(gc_new_array(w.h, BYTES, random_next(&state) % 3000) != 0);
                ref = gc_new_struct(w.h, NODE);
                hold(ref != 0);
                hold(!(words(&w, ref)[1] | words(&w, ref)[2] | words(&w, ref)[3]));
                all[i] = (struct shadow) { roots[a], random_next(&state) % 8 ? 0 : roots[b], ref, i };
                words(&w, ref)[1] = roots[a] ? w.roots[a] : 0;
                words(&w, ref)[2] = all[i].right ? w.roots[b] : 0;
                words(&w, ref)[3] = i;
                roots[a] = i + 1;
                w.roots[a] = ref;
                if (random_next(&state) % 50 == 0)
                        w.roots[b] = roots[b] = 0;
                if (i % every == 0) {
                        gc_collect(w.h);
                        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects,
                                          check_graph(&w, all, roots, stack, seen, n));
                }
        }
        gc_collect(w.h);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects,
                          check_graph(&w, all, roots, stack, seen, n));
        for (uint32_t i = 0; i < n; i++)
                if (seen[i])
                        ck_assert(gc_is(w.h, all[i].ref));
        memset(w.roots, 0, sizeof(w.roots));
        gc_collect(w.h);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects, 0);
        world_done(&w);
        free(all);
        free(stack);
        free(seen);
}

START_TEST(what_can_be_reached_stays)
{
        churn(false, 200000, 7001);
}
END_TEST

START_TEST(a_collection_at_every_allocation)
{
        churn(true, 3000, 100);
}
END_TEST

START_TEST(the_limit_is_kept)
{
        enum { LIMIT = 3 << 20 };
        struct world w;
        uint32_t n = 0, ref;

        world_new(&w, LIMIT, false);
        while ((ref = gc_new_struct(w.h, NODE)) != 0) {
                words(&w, ref)[1] = w.roots[0];
                w.roots[0] = ref;
                n++;
                hold(w.used <= LIMIT);
        }
        ck_assert_uint_gt(n, (LIMIT - (LIMIT >> 4)) / 16);
        w.roots[0] = 0;
        for (uint32_t i = 0; i < 3 * n; i++)
                hold(gc_new_struct(w.h, NODE) != 0);
        ck_assert_uint_eq(gc_new_array(w.h, BYTES, LIMIT), 0);
        ck_assert_uint_eq(gc_new_array(w.h, REFS, UINT32_MAX), 0);
        w.roots[0] = gc_new_array(w.h, BYTES, LIMIT / 2);
        ck_assert_uint_ne(w.roots[0], 0);
        ck_assert_uint_eq(gc_new_array(w.h, BYTES, LIMIT / 2 + LIMIT / 4), 0);
        w.roots[0] = 0;
        ck_assert_uint_ne(gc_new_array(w.h, BYTES, LIMIT / 2 + LIMIT / 4), 0);
        world_done(&w);
}
END_TEST

/* More children than the stack of marks has room for, twice over, each with a child. */
START_TEST(more_than_the_stack_of_marks_holds)
{
        enum { N = 5 * GC_STACK };
        struct world w;
        uint32_t array;

        world_new(&w, 0, false);
        array = w.roots[0] = gc_new_array(w.h, REFS, N);
        for (uint32_t i = 0; i < N; i++) {
                uint32_t outer = gc_new_struct(w.h, NODE), inner;

                words(&w, array)[2 + i] = outer;
                inner = gc_new_struct(w.h, NODE);
                words(&w, outer)[2] = inner;
                words(&w, inner)[3] = i;
        }
        gc_collect(w.h);
        ck_assert_uint_gt(gc_heap_counts(w.h).overflows, 0);
        ck_assert_uint_gt(w.yields, 2);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects, 2 * N + 1);
        for (uint32_t i = 0; i < 4 * N; i++)
                hold(gc_new_struct(w.h, NODE) != 0);
        for (uint32_t i = 0; i < N; i++)
                hold(words(&w, words(&w, words(&w, array)[2 + i])[2])[3] == i);
        world_done(&w);
}
END_TEST

/* A chain is as deep as it is long: no stack grows with it. */
START_TEST(a_long_chain)
{
        struct world w;

        world_new(&w, 0, false);
        for (uint32_t i = 0; i < 2000000; i++) {
                uint32_t ref = gc_new_struct(w.h, NODE);

                words(&w, ref)[1] = w.roots[0];
                w.roots[0] = ref;
        }
        gc_collect(w.h);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects, 2000000);
        ck_assert_uint_gt(w.yields, 10);
        world_done(&w);
}
END_TEST

START_TEST(words_on_a_stack)
{
        struct world w;
        uint64_t stack[4] = { 0 };
        uint32_t node, other, large, bytes;

        world_new(&w, 0, false);
        w.low = stack;
        w.high = stack + 4;
        bytes = gc_new_array(w.h, BYTES, 1000);
        node = gc_new_struct(w.h, NODE);
        other = gc_new_struct(w.h, NODE);
        large = gc_new_array(w.h, BYTES, 100000);
        stack[0] = (uint64_t)node << 32 | other;
        stack[1] = (uintptr_t)gc_heap_base(w.h) + bytes + 1007; /* the last byte */
        stack[2] = (uintptr_t)gc_heap_base(w.h) + large + 100007;
        gc_collect(w.h);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects, 4);
        ck_assert(gc_is(w.h, node) && gc_is(w.h, other) && gc_is(w.h, large) && gc_is(w.h, bytes));

        stack[0] = (uint64_t)(node + 4) << 32 | (other + 1); /* neither is a reference */
        stack[1]++;
        stack[1] += 15; /* behind the array, and it may be in no other object */
        stack[2] = (uintptr_t)gc_heap_base(w.h) + large + 100016;
        gc_collect(w.h);
        ck_assert(!gc_is(w.h, large) && !gc_is(w.h, bytes));
        ck_assert(!gc_is(w.h, other));
        world_done(&w);
}
END_TEST

START_TEST(words_of_the_host)
{
        struct world w;
        uint32_t box, array;
        uint64_t word;

        world_new(&w, 0, false);
        box = gc_new_extern(w.h, 0x1234567890abcdef);
        w.roots[0] = array = gc_new_array(w.h, EXTERNS, 3);
        word = GC_EXTERN_BIT | box;
        memcpy(words(&w, array) + 2, &word, 8);
        word = gc_new_struct(w.h, NODE); /* of the host, whatever it looks like */
        memcpy(words(&w, array) + 4, &word, 8);
        gc_collect(w.h);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects, 2);
        memcpy(&word, words(&w, box) + 2, 8);
        ck_assert_uint_eq(word, 0x1234567890abcdef);
        w.roots[0] = 0;
        w.extern_root = GC_EXTERN_BIT | box;
        gc_collect(w.h);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects, 1);
        w.extern_root = box;
        w.roots[1] = 1 | box; /* an i31 */
        gc_collect(w.h);
        ck_assert_uint_eq(gc_heap_counts(w.h).live_objects, 0);
        world_done(&w);
}
END_TEST

START_TEST(memory_goes_back)
{
        struct world w;
        uint64_t full;

        world_new(&w, 0, false);
        for (uint32_t i = 0; i < 40; i++)
                words(&w, w.roots[i] = gc_new_array(w.h, BYTES, 1 << 20))[2] = ~0u;
        full = w.used;
        ck_assert_uint_gt(full, 40 << 20);
        memset(w.roots, 0, sizeof(w.roots));
        gc_collect(w.h);
        gc_collect(w.h); /* blocks are free when they were looked at */
        ck_assert_uint_lt(w.used, full / 4);
        for (uint32_t i = 0; i < 40; i++) {
                uint32_t ref = gc_new_array(w.h, BYTES, 1 << 20);

                hold(words(&w, ref)[2] == 0);
                words(&w, ref)[2] = ~0u;
        }
        world_done(&w);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("gc");

        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, what_can_be_reached_stays);
        tcase_add_test(tc, a_collection_at_every_allocation);
        tcase_add_test(tc, the_limit_is_kept);
        tcase_add_test(tc, more_than_the_stack_of_marks_holds);
        tcase_add_test(tc, a_long_chain);
        tcase_add_test(tc, words_on_a_stack);
        tcase_add_test(tc, words_of_the_host);
        tcase_add_test(tc, memory_goes_back);
        return unit_main("gc", &tc, 1);
}
