/* Constant expressions (5.4.9). Any instruction is accepted here: whether it is constant is a
 * question of validation. */
#include "engine/decode/decoder.h"

static int append_op(struct decoder *d, uint32_t n, const struct instruction *in)
{
        uint8_t kind = opcode_table[in->op].immediate;

        if (n >= d->limits->const_ops)
                return decoder_error(d, -E2BIG, (size_t)(in->at - d->c.file),
                                     "a constant expression of more than %llu instructions",
                                     (unsigned long long)d->limits->const_ops);
        if (n == d->ops_room) {
                uint32_t room = d->ops_room ? d->ops_room * 2 : 16;
                void *ops = realloc(d->ops, room * sizeof(*d->ops));

                if (!ops)
                        return decoder_no_memory(d);
                d->ops = ops;
                d->ops_room = room;
        }
        d->ops[n] = (struct const_op) { .op = in->op };
        if (kind == IMM_HEAPTYPE)
                d->ops[n].index = valtype_heap(in->type);
        else if (kind == IMM_GLOBAL || kind == IMM_FUNC || kind == IMM_TYPE || kind == IMM_ARRAY_N)
                d->ops[n].index = in->index;
        if (kind == IMM_ARRAY_N)
                d->ops[n].value[0] = in->index2;
        else if (kind == IMM_I32 || kind == IMM_I64 || kind == IMM_F32 || kind == IMM_F64)
                d->ops[n].value[0] = in->bits[0];
        else if (kind == IMM_V128)
                memcpy(d->ops[n].value, in->bits, sizeof(in->bits));
        return 0;
}

static bool skip_labels(struct cursor *c, uint32_t n)
{
        uint32_t label;

        for (uint64_t i = 0; i <= n; i++)
                if (!read_u32(c, &label))
                        return false;
        return true;
}

int decoder_const_expr(struct decoder *d, struct const_expr *ret)
{
        size_t offset = cursor_offset(&d->c);
        struct instruction in = { 0 };
        struct const_op *ops;
        uint32_t n = 0, depth = 1;
        int r;

        for (;; n++) {
                if (!body_next(&d->c, &in))
                        return decoder_fail(d);
                r = decoder_need(d, opcode_table[in.op].feature, (size_t)(in.at - d->c.file));
                if (r < 0)
                        return r;
                if (in.op == OP_BLOCK || in.op == OP_LOOP || in.op == OP_IF ||
                    in.op == OP_TRY_TABLE || in.op == OP_TRY)
                        depth++;
                else if ((in.op == OP_END || in.op == OP_DELEGATE) && --depth == 0)
                        break;
                else if (in.op == OP_BR_TABLE && !skip_labels(&d->c, in.index))
                        return decoder_fail(d);
                r = append_op(d, n, &in);
                if (r < 0)
                        return r;
        }
        ops = pool_alloc(d->pool, n, sizeof(*ops));
        if (!ops)
                return decoder_no_memory(d);
        if (n > 0)
                memcpy(ops, d->ops, n * sizeof(*ops));
        *ret = (struct const_expr) { ops, n, offset };
        return 0;
}
