/* One function body (3.4, and the algorithm of appendix A.3): one pass over the bytes with an
 * operand stack of types and a stack of control frames.
 *
 * The loop keeps the cursor and the top of the stack in registers: it does by itself what is
 * frequent and whose types are exactly right, everything else goes to functions that take the
 * top and return the new one. Single pushes check no room: before every instruction the stack
 * has as many free places as the body has bytes left (stack_grow). */
#include "engine/validate/checker.h"

#include <stdarg.h>

valtype *body_fail(struct body *b, int code, const char *format, ...)
{
        char text[sizeof(b->error.text)];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        error_set(&b->error, STAGE_VALIDATE, code, (uint64_t)(b->op_at - b->c.file), "%s", text);
        return NULL;
}

valtype *body_malformed(struct body *b)
{
        cursor_error(&b->c, &b->error);
        return NULL;
}

/* The body ends inside a block. The official scripts read on in the file, and so tell apart what
 * follows: nothing, something that closes the block, or anything else. */
static _cold_ valtype *missing_end(struct body *b)
{
        const uint8_t *file_end = b->k->m->bytes + b->k->m->size;
        const char *text = "END opcode expected: the body ends inside a block";

        if (b->c.end == file_end)
                text = text_unexpected_end;
        else if (*b->c.end == 0x0b)
                text = "section size mismatch: the body ends inside a block";
        error_set(&b->error, STAGE_DECODE, -EBADMSG, (uint64_t)(b->c.end - b->c.file), "%s", text);
        return NULL;
}

static int run_add(struct body *b, uint32_t n, valtype type)
{
        if (b->nruns == b->runs_room) {
                uint32_t room = b->runs_room ? b->runs_room * 2 : 64;
                void *runs = realloc(b->runs, room * sizeof(*b->runs));

                if (!runs) {
                        body_fail(b, -ENOMEM, "out of memory");
                        return -ENOMEM;
                }
                b->runs = runs;
                b->runs_room = room;
        }
        for (uint32_t i = b->nlocals; i < b->nlocals + n && i < LOCALS_DENSE; i++)
                b->dense[i] = type;
        b->nlocals += n;
        b->ndense = b->nlocals < LOCALS_DENSE ? b->nlocals : LOCALS_DENSE;
        b->runs[b->nruns++] = (struct local_run) { b->nlocals, type };
        return 0;
}

bool body_need(struct body *b, enum feature feature, const char *what)
{
        b->features_used |= UINT64_C(1) << feature;
        if (_likely_(b->k->features >> feature & 1))
                return true;
        body_fail(b, -EOPNOTSUPP, "the feature %s is off: %s", feature_table[feature].text, what);
        return false;
}

bool body_need_type(struct body *b, valtype type)
{
        enum feature feature = valtype_feature(type);

        if (valtype_is_indexed(type) && valtype_heap(type) >= b->k->m->ntypes) {
                body_fail(b, -EBADMSG, "unknown type %u", valtype_heap(type));
                return false;
        }
        return feature == FEATURE_MVP || body_need(b, feature, valtype_text(type));
}

/* Room for them. */
static bool locals_need_set(struct body *b)
{
        size_t room = b->k->limits->locals;

        if (b->set)
                return true;
        b->set = calloc(room + 1, sizeof(*b->set));
        b->set_list = calloc(room + 1, sizeof(*b->set_list));
        if (b->set && b->set_list)
                return true;
        body_fail(b, -ENOMEM, "out of memory");
        return false;
}

static void local_is_set(struct body *b, uint32_t local)
{
        if (b->set[local])
                return;
        b->set[local] = 1;
        b->set_list[b->nset++] = local;
}

void locals_forget(struct body *b, uint32_t n)
{
        while (b->nset > n)
                b->set[b->set_list[--b->nset]] = 0;
}

/* Behind a use of local @local of type @type, which has no default. */
static bool local_has_value(struct body *b, uint32_t local)
{
        if (local < b->type->nparams || b->set[local])
                return true;
        body_fail(b, -EBADMSG, "uninitialized local %u", local);
        return false;
}

static int read_locals(struct body *b)
{
        uint64_t limit = b->k->limits->locals, all = b->type->nparams;
        uint32_t groups, n;
        valtype type;
        int r = 0;

        b->nlocals = b->ndense = b->nruns = 0;
        for (uint32_t i = 0; i < b->type->nparams && r == 0; i++)
                r = run_add(b, 1, b->type->params[i]);
        if (r < 0)
                return r;
        if (!body_locals_begin(&b->c, true, &groups))
                return cursor_error(&b->c, &b->error);
        while (groups-- > 0) {
                b->op_at = b->c.at;
                if (!body_local_group(&b->c, true, &n, &type))
                        return cursor_error(&b->c, &b->error);
                all += n;
                if (all > UINT32_MAX)
                        return error_set(&b->error, STAGE_DECODE, -EBADMSG,
                                         (uint64_t)(b->op_at - b->c.file), "too many locals");
                if (all > limit) {
                        body_fail(b, -E2BIG, "too many locals: %llu, the limit is %llu",
                                  (unsigned long long)all, (unsigned long long)limit);
                        /* A sum that no 32 bits hold is malformed: that is the worse news. */
                        for (; groups > 0 && all <= UINT32_MAX; groups--, all += n)
                                if (!body_local_group(&b->c, true, &n, &type))
                                        return cursor_error(&b->c, &b->error);
                        if (all > UINT32_MAX)
                                return error_set(&b->error, STAGE_DECODE, -EBADMSG,
                                                 (uint64_t)(b->op_at - b->c.file),
                                                 "too many locals");
                        return b->error.code;
                }
                if (!body_need_type(b, type) || (!valtype_has_default(type) && !locals_need_set(b)))
                        return b->error.code;
                if (n > 0)
                        r = run_add(b, n, type);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int body_begin(struct body *b, uint32_t function)
{
        const struct module *m = b->k->m;
        uint64_t hot = b->k->limits->locals < 65536 ? b->k->limits->locals : 65536;
        int r;

        b->type = module_function_type(m, function);
        b->c = cursor_over(m, m->functions[function].body);
        b->op_at = b->c.at;
        b->nframes = b->max_stack = b->max_nesting = 0;
        b->call_weight = b->caught_stack = 0;
        b->has_calls = b->has_loops = b->has_rethrow = b->has_try = false;
        if (!b->weights) {
                hot = hot > b->type->nparams ? hot : b->type->nparams;
                b->weights = calloc(hot, sizeof(*b->weights));
                b->touched = calloc(hot, sizeof(*b->touched));
                b->weights_room = (uint32_t)hot;
                if (!b->weights || !b->touched) {
                        body_fail(b, -ENOMEM, "out of memory");
                        return -ENOMEM;
                }
        }
        locals_forget(b, 0); /* of a body that failed, as well */
        while (b->ntouched > 0) /* of a body that failed */
                b->weights[b->touched[--b->ntouched]] = 0;
        r = read_locals(b);
        if (r < 0)
                return r;
        b->op_at = b->c.at;
        if (!stack_grow(b, b->stack, 0) || !frame_push(b, OP_END, &(struct functype) {
                    .nresults = b->type->nresults, .results = b->type->results }, b->stack))
                return b->error.code;
        return 0;
}

static _always_inline_ void local_use(struct body *b, uint32_t local)
{
        if (_unlikely_(local >= b->weights_room))
                return;
        if (b->weights[local] == 0)
                b->touched[b->ntouched++] = local;
        b->weights[local] += b->loop_weight;
}

/* Whether the top operands are exactly what the row wants; the frequent answer. */
static _always_inline_ bool top_is(const struct body *b, const valtype *top,
                                   const struct op_row *row)
{
        if (_unlikely_(top - b->base < row->npops))
                return false;
        switch (row->npops) {
        case 0:
                return true;
        case 1:
                return top[-1] == row->pops[0];
        case 2:
                return top[-1] == row->pops[1] && top[-2] == row->pops[0];
        default:
                return top[-1] == row->pops[2] && top[-2] == row->pops[1] &&
                       top[-3] == row->pops[0];
        }
}

/* The memory and the static part of an access; false with b->error set. */
static _cold_ bool memarg_refused(struct body *b, const struct instruction *in, uint8_t align)
{
        const struct module *m = b->k->m;

        if (in->index >= m->nmemories)
                body_fail(b, -EBADMSG, "unknown memory %u", in->index);
        else if (in->align > align)
                body_fail(b, -EBADMSG, "alignment must not be larger than natural: 2^%u for an "
                          "access of 2^%u bytes", in->align, align);
        else if (in->offset > UINT32_MAX && !m->memories[in->index].type.size.is_64)
                body_fail(b, -EBADMSG, "offset out of range: %llu",
                          (unsigned long long)in->offset);
        else
                return true;
        return false;
}

static _always_inline_ bool memarg_fits(struct body *b, const struct instruction *in, uint8_t align)
{
        if (_likely_(in->index < b->k->m->nmemories && in->align <= align &&
                     in->offset <= UINT32_MAX))
                return true;
        return memarg_refused(b, in, align);
}

/* Pop and push what the row says, @address standing for its address operand. */
static valtype *apply_row(struct body *b, valtype *top, const struct op_row *row, int address_at,
                          valtype address)
{
        valtype pops[3] = { row->pops[0], row->pops[1], row->pops[2] };

        if (address_at >= 0)
                pops[address_at] = address;
        top = operands_pop(b, top, pops, row->npops);
        if (top && row->npushes > 0)
                *top++ = row->push;
        return top;
}

/* The address is the first operand; unlike other accesses, these name no smaller alignment. */
static valtype *check_atomic(struct body *b, valtype *top, const struct op_row *row,
                             const struct instruction *in)
{
        if (!memarg_fits(b, in, row->align))
                return NULL;
        if (in->align != row->align)
                return body_fail(b, -EBADMSG, "atomic alignment must be natural: 2^%u for an access "
                                 "of 2^%u bytes", in->align, row->align);
        if (row->op <= OP_MEMORY_ATOMIC_WAIT64)
                b->has_calls = true; /* of a builtin */
        return apply_row(b, top, row, 0,
                         address_type(b->k->m->memories[in->index].type.size.is_64));
}

static _cold_ valtype *invalid_lane(struct body *b, unsigned lane)
{
        return body_fail(b, -EBADMSG, "invalid lane index %u", lane);
}

static _cold_ valtype *unknown_local(struct body *b, uint32_t local)
{
        return body_fail(b, -EBADMSG, "unknown local %u", local);
}

static valtype *check_global_set(struct body *b, valtype *top, uint32_t global)
{
        const struct module *m = b->k->m;

        if (global >= m->nglobals)
                return body_fail(b, -EBADMSG, "unknown global %u", global);
        if (!m->globals[global].type.is_mutable)
                return body_fail(b, -EBADMSG, "immutable global %u: global is immutable", global);
        return operands_pop(b, top, &m->globals[global].type.type, 1);
}

/* An operand of any type, or any at all in unreachable code. */
static valtype *check_drop(struct body *b, valtype *top)
{
        if (_likely_(top > b->base))
                return top - 1;
        return b->unreachable ? top : body_mismatch(b, top, NULL, 1, 0);
}

static int code_check(struct body *b)
{
        const struct op_row *const bytes = b->k->bytes;
        const struct module *const m = b->k->m;
        struct instruction in = { 0 };
        struct cursor c = b->c;
        valtype *top = b->stack, *highest = top;
        uint64_t used = 0;

/* Functions out of line see the cursor in @b. */
#define SYNC(call) ({ b->c.at = c.at; top = (call); if (_unlikely_(!top)) return b->error.code; })
#define SYNC_STACK(call)                                                     \
        ({                                                                   \
                size_t _most = (size_t)(highest - b->stack);                 \
                SYNC(call);                                                  \
                highest = b->stack + _most; /* the stack may have moved */   \
        })
#define IMMEDIATE(kind)                                                      \
        ({                                                                   \
                if (_unlikely_(!body_immediate(&c, true, kind, &in)))        \
                        goto malformed;                                      \
        })

        for (;;) {
                const struct op_row *row;

                if (_unlikely_(c.at >= c.end))
                        return (void)missing_end(b), b->error.code;
                b->op_at = c.at;
                row = &bytes[*c.at++];
again:
                used |= UINT64_C(1) << row->feature;
                switch ((enum op_class)row->class) {
                case CLASS_ILLEGAL: {
                        uint32_t number = 0;

                        if (_unlikely_(opcode_is_prefix(*b->op_at) && !read_u32(&c, &number)))
                                goto malformed;
                        in.op = opcode_find(*b->op_at, number);
                        if (_unlikely_(in.op == OP_INVALID)) {
                                body_opcode_fail(&c, b->op_at);
                                goto malformed;
                        }
                        row = &b->k->rows[in.op];
                        goto again;
                }
                case CLASS_OFF:
                        body_need(b, (enum feature)row->feature, opcode_table[row->op].text);
                        return b->error.code;
                case CLASS_SIMPLE:
                        if (_likely_(top_is(b, top, row))) {
                                top -= row->npops;
                                *top = row->push;
                                top += row->npushes;
                        } else {
                                SYNC(apply_row(b, top, row, -1, 0));
                        }
                        break;
                case CLASS_CONST_I32:
                        IMMEDIATE(IMM_I32);
                        *top++ = VAL_I32;
                        break;
                case CLASS_CONST_I64:
                        IMMEDIATE(IMM_I64);
                        *top++ = VAL_I64;
                        break;
                case CLASS_CONST_F32:
                        IMMEDIATE(IMM_F32);
                        *top++ = VAL_F32;
                        break;
                case CLASS_CONST_F64:
                        IMMEDIATE(IMM_F64);
                        *top++ = VAL_F64;
                        break;
                case CLASS_CONST_V128:
                        IMMEDIATE(IMM_V128);
                        *top++ = VAL_V128;
                        break;
                case CLASS_LOAD:
                        IMMEDIATE(IMM_MEMARG);
                        if (_unlikely_(!memarg_fits(b, &in, row->align)))
                                return b->error.code;
                        if (_likely_(top_is(b, top, row) && !m->memories[in.index].type.size.is_64))
                                top[-1] = row->push;
                        else
                                SYNC(apply_row(b, top, row, 0, address_type(
                                        m->memories[in.index].type.size.is_64)));
                        break;
                case CLASS_STORE:
                        IMMEDIATE(IMM_MEMARG);
                        if (_unlikely_(!memarg_fits(b, &in, row->align)))
                                return b->error.code;
                        if (_likely_(top_is(b, top, row) && !m->memories[in.index].type.size.is_64))
                                top -= 2;
                        else
                                SYNC(apply_row(b, top, row, 0, address_type(
                                        m->memories[in.index].type.size.is_64)));
                        break;
                case CLASS_LOAD_LANE:
                case CLASS_STORE_LANE:
                        IMMEDIATE(IMM_MEMARG_LANE);
                        if (_unlikely_(!memarg_fits(b, &in, row->align)))
                                return b->error.code;
                        if (_unlikely_(in.lane >= row->lanes))
                                return (void)invalid_lane(b, in.lane), b->error.code;
                        SYNC(apply_row(b, top, row, 0, address_type(
                                m->memories[in.index].type.size.is_64)));
                        break;
                case CLASS_ATOMIC:
                        IMMEDIATE(IMM_MEMARG);
                        SYNC(check_atomic(b, top, row, &in));
                        break;
                case CLASS_LANE:
                        IMMEDIATE(IMM_LANE);
                        if (_unlikely_(in.lane >= row->lanes))
                                return (void)invalid_lane(b, in.lane), b->error.code;
                        SYNC(apply_row(b, top, row, -1, 0));
                        break;
                case CLASS_SHUFFLE:
                        IMMEDIATE(IMM_LANES16);
                        for (unsigned i = 0; i < 16; i++)
                                if (_unlikely_(in.bytes[i] >= 32))
                                        return (void)invalid_lane(b, in.bytes[i]), b->error.code;
                        SYNC(apply_row(b, top, row, -1, 0));
                        break;
                case CLASS_LOCAL_GET: {
                        valtype type;

                        IMMEDIATE(IMM_LOCAL);
                        if (_unlikely_(in.index >= b->nlocals))
                                return (void)unknown_local(b, in.index), b->error.code;
                        type = local_type(b, in.index);
                        if (_unlikely_(!valtype_has_default(type)) && !local_has_value(b, in.index))
                                return b->error.code;
                        *top++ = type;
                        local_use(b, in.index);
                        break;
                }
                case CLASS_LOCAL_SET:
                case CLASS_LOCAL_TEE: {
                        valtype type;

                        IMMEDIATE(IMM_LOCAL);
                        if (_unlikely_(in.index >= b->nlocals))
                                return (void)unknown_local(b, in.index), b->error.code;
                        type = local_type(b, in.index);
                        if (_likely_(top > b->base && top[-1] == type))
                                top--;
                        else
                                SYNC(operands_pop(b, top, &type, 1));
                        if (_unlikely_(!valtype_has_default(type)) && in.index >= b->type->nparams)
                                local_is_set(b, in.index);
                        *top = type;
                        top += row->class == CLASS_LOCAL_TEE;
                        local_use(b, in.index);
                        break;
                }
                case CLASS_GLOBAL_GET:
                        IMMEDIATE(IMM_GLOBAL);
                        if (_unlikely_(in.index >= m->nglobals))
                                return (void)body_fail(b, -EBADMSG, "unknown global %u", in.index),
                                       b->error.code;
                        *top++ = m->globals[in.index].type.type;
                        break;
                case CLASS_GLOBAL_SET:
                        IMMEDIATE(IMM_GLOBAL);
                        SYNC(check_global_set(b, top, in.index));
                        break;
                case CLASS_BLOCK:
                case CLASS_LOOP:
                case CLASS_IF:
                        in.op = row->op;
                        IMMEDIATE(IMM_BLOCK);
                        SYNC_STACK(check_block(b, top, &in));
                        break;
                case CLASS_ELSE:
                        SYNC_STACK(check_else(b, top));
                        break;
                case CLASS_END:
                        SYNC_STACK(check_end(b, top));
                        if (b->nframes == 0)
                                goto done;
                        break;
                case CLASS_BR:
                        IMMEDIATE(IMM_LABEL);
                        SYNC(check_br(b, top, in.index));
                        break;
                case CLASS_BR_IF:
                        IMMEDIATE(IMM_LABEL);
                        SYNC_STACK(check_br_if(b, top, in.index));
                        break;
                case CLASS_BR_TABLE:
                        IMMEDIATE(IMM_LABELS);
                        SYNC(check_br_table(b, top, in.index));
                        c.at = b->c.at;
                        break;
                case CLASS_CALL:
                        IMMEDIATE(IMM_FUNC);
                        SYNC_STACK(check_call(b, top, in.index));
                        break;
                case CLASS_DROP:
                        SYNC(check_drop(b, top));
                        break;
                case CLASS_SELECT:
                        SYNC(check_select(b, top));
                        break;
                case CLASS_UNREACHABLE:
                        SYNC(check_unreachable(b, top));
                        break;
                case CLASS_RETURN:
                        SYNC(check_return(b, top));
                        break;
                case CLASS_RARE:
                        in.op = row->op;
                        IMMEDIATE((enum immediate)opcode_table[in.op].immediate);
                        SYNC_STACK(body_check_rare(b, top, &in));
                        break;
                }
                if (top > highest)
                        highest = top;
        }
done:
        b->max_stack = (uint32_t)(highest - b->stack);
        if (b->max_stack < b->caught_stack)
                b->max_stack = b->caught_stack;
        b->features_used |= used;
        if (c.at != c.end)
                return error_set(&b->error, STAGE_DECODE, -EBADMSG, (uint64_t)(c.at - c.file),
                                 "section size mismatch: %zu bytes behind the end of the body",
                                 cursor_left(&c));
        return 0;
malformed:
        b->c = c;
        return cursor_error(&b->c, &b->error);
#undef SYNC
#undef SYNC_STACK
#undef IMMEDIATE
}

int body_check(struct body *b, uint32_t function, struct function_facts *ret)
{
        size_t code_offset;
        int r = body_begin(b, function);

        if (r < 0)
                return r;
        code_offset = cursor_offset(&b->c);
        r = code_check(b);
        if (r < 0)
                return r;
        if (b->max_stack > b->k->limits->operands) {
                body_fail(b, -E2BIG, "%u operands at once, the limit is %llu", b->max_stack,
                          (unsigned long long)b->k->limits->operands);
                return b->error.code;
        }
        facts_take(b, code_offset, ret);
        return 0;
}

void body_done(struct body *b)
{
        free(b->stack);
        free(b->frames);
        free(b->runs);
        free(b->set);
        free(b->set_list);
        free(b->weights);
        free(b->touched);
}
