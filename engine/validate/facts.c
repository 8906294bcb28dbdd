#include "engine/validate/checker.h"

static uint32_t saturate(uint64_t value)
{
        return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* Keeps @hot in falling order of weight; of equal ones the lower index comes first. */
static void hot_insert(struct hot_locals *hot, uint32_t local, uint64_t weight)
{
        uint32_t w = saturate(weight);
        unsigned i = hot->n;

        while (i > 0 && (hot->weight[i - 1] < w ||
                         (hot->weight[i - 1] == w && hot->index[i - 1] > local)))
                i--;
        if (i == HOT_LOCALS_MAX)
                return;
        if (hot->n < HOT_LOCALS_MAX)
                hot->n++;
        for (unsigned k = hot->n - 1u; k > i; k--) {
                hot->index[k] = hot->index[k - 1];
                hot->weight[k] = hot->weight[k - 1];
        }
        hot->index[i] = (uint16_t)local;
        hot->weight[i] = w;
}

void facts_take(struct body *b, size_t code_offset, struct function_facts *ret)
{
        *ret = (struct function_facts) {
                .nlocals = b->nlocals,
                /* The generators keep the exception below the operands of a catch. */
                .max_stack = b->max_stack + (b->has_try ? b->max_nesting : 0),
                .max_nesting = b->max_nesting,
                .call_weight = saturate(b->call_weight),
                .code_offset = (uint32_t)code_offset,
                .has_calls = b->has_calls,
                .has_loops = b->has_loops,
                .has_rethrow = b->has_rethrow,
        };
        while (b->ntouched > 0) {
                uint32_t local = b->touched[--b->ntouched];
                bool vector = valtype_is_vector_register(local_type(b, local));

                hot_insert(vector ? &ret->vector : &ret->integer, local, b->weights[local]);
                b->weights[local] = 0;
        }
}
