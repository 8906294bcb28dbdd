/* Bodies and expressions, an instruction at a time. The lists that some instructions have may be long: their
 * elements are items of their own. */
#include "engine/decode/parser.h"

#define FAILED(c) return parser_failed(p, c)

static bool has_list(enum immediate immediate)
{
        return immediate == IMM_TYPES || immediate == IMM_TRY_TABLE;
}

/* What is in one piece of the immediates; of a list its length, into .index2. */
static bool read_immediates(struct cursor *c, struct instruction *in)
{
        enum immediate immediate = (enum immediate)opcode_table[in->op].immediate;

        if (immediate == IMM_TYPES)
                return read_u32(c, &in->index2);
        if (immediate == IMM_TRY_TABLE)
                return body_blocktype(c, true, in) && read_u32(c, &in->index2);
        return body_immediate(c, true, immediate, in);
}

static void describe(const struct instruction *in, struct nacelle_instruction *ret)
{
        const struct opcode_info *info = &opcode_table[in->op];

        *ret = (struct nacelle_instruction) {
                .opcode = info->code,
                .name = info->text,
                .index = in->index,
                .index2 = in->index2,
                .align_log2 = in->align,
                .lane = in->lane,
        };
        switch ((enum immediate)info->immediate) {
        case IMM_MEMARG:
        case IMM_MEMARG_LANE:
                ret->offset = in->offset;
                break;
        case IMM_I32:
        case IMM_I64:
        case IMM_F32:
        case IMM_F64:
                ret->value[0] = in->bits[0];
                break;
        case IMM_V128:
        case IMM_LANES16:
                memcpy(ret->value, in->bits, sizeof(ret->value));
                break;
        case IMM_BR_CAST:
                ret->to = parser_type(in->wanted);
                ret->type = parser_type(in->type);
                break;
        default:
                ret->type = parser_type(in->type);
                break;
        }
}

/* The state behind the "end" that closes a body or an expression. */
static int code_ends(struct nacelle_parser *p, struct cursor *c)
{
        if (p->body_end == UINT64_MAX) {
                if (p->behind == STATE_ENTRY)
                        parser_entry_done(p);
                else
                        p->state = p->behind;
                return 0;
        }
        if (parser_at(p, c) != p->body_end)
                return parser_error(p, -EBADMSG, parser_at(p, c), "section size mismatch: %llu bytes behind "
                                    "the end of the body", (unsigned long long)(p->body_end - parser_at(p, c)));
        p->body_end = UINT64_MAX;
        parser_entry_done(p);
        return 0;
}

/* In a body these come before the data section, which must have been announced (5.5.16). */
static bool needs_data_count(enum immediate immediate)
{
        return immediate == IMM_MEMORY_INIT || immediate == IMM_DATA || immediate == IMM_ARRAY_DATA;
}

static int step_instruction(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        struct instruction in = { 0 };
        enum immediate immediate;
        bool body = p->body_end != UINT64_MAX;

        if (!body_opcode(c, true, &in) || !read_immediates(c, &in))
                FAILED(c);
        if (in.op == OP_END && !p->depth) {
                *e = (struct nacelle_event) { .kind = body ? NACELLE_BODY_END : NACELLE_EXPR_END };
                return code_ends(p, c) < 0 ? p->error.code : STEP_EVENT;
        }
        immediate = (enum immediate)opcode_table[in.op].immediate;
        if (needs_data_count(immediate) && !p->has_data_count)
                return parser_error(p, -EBADMSG, p->offset, "data count section required");
        if (immediate == IMM_BLOCK || immediate == IMM_TRY_TABLE)
                p->depth++;
        else if (in.op == OP_END || in.op == OP_DELEGATE)
                p->depth -= p->depth > 0;
        *e = (struct nacelle_event) { .kind = NACELLE_INSTRUCTION };
        describe(&in, &e->instruction);
        if (immediate == IMM_LABELS) {
                if (in.index == UINT32_MAX)
                        return parser_error(p, -EBADMSG, p->offset, "%s", text_unexpected_end);
                p->items = in.index + 1;
                p->state = STATE_LABEL;
        } else if (has_list(immediate) && in.index2) {
                p->items = in.index2;
                p->state = immediate == IMM_TYPES ? STATE_SELECT_TYPE : STATE_CATCH;
        }
        return STEP_EVENT;
}

static int step_locals(struct nacelle_parser *p, struct cursor *c)
{
        uint32_t groups;

        if (!body_locals_begin(c, true, &groups))
                FAILED(c);
        p->items = groups;
        p->locals = 0;
        p->state = groups ? STATE_LOCAL : STATE_INSTRUCTION;
        return STEP_ON;
}

static int step_list(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        struct catch_clause clause;
        valtype t = VAL_BOTTOM;

        *e = (struct nacelle_event) { 0 };
        switch (p->state) {
        case STATE_LOCAL:
                e->kind = NACELLE_LOCALS;
                if (!body_local_group(c, true, &e->count, &t))
                        FAILED(c);
                p->locals += e->count;
                if (p->locals > UINT32_MAX)
                        return parser_error(p, -EBADMSG, p->offset, "too many locals");
                break;
        case STATE_LABEL:
                e->kind = NACELLE_LABEL;
                if (!read_u32(c, &e->index))
                        FAILED(c);
                break;
        case STATE_CATCH:
                e->kind = NACELLE_CATCH;
                if (!body_catch(c, true, &clause))
                        FAILED(c);
                e->mode = clause.kind;
                e->index = clause.tag;
                e->count = clause.label;
                break;
        default:
                e->kind = NACELLE_SELECT_TYPE;
                if (!body_valtype(c, true, &t))
                        FAILED(c);
                break;
        }
        e->type = parser_type(t);
        parser_items_done(p, STATE_INSTRUCTION);
        return STEP_EVENT;
}

int parser_code(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        switch (p->state) {
        case STATE_LOCALS:
                return step_locals(p, c);
        case STATE_INSTRUCTION:
                return step_instruction(p, c, e);
        default:
                return step_list(p, c, e);
        }
}
