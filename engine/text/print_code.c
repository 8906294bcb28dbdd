#include <inttypes.h>

#include "engine/base/limits.h"
#include "engine/decode/body.h"
#include "engine/text/module_text.h"
#include "engine/text/print_text.h"

#define INDENT_MAX 16u /* blocks deeper than this are not indented further */

static int body_error(struct printer *p, const struct cursor *c)
{
        return error_set(p->err, STAGE_TEXT, c->code ? c->code : -EBADMSG,
                         (uint64_t)(c->where - c->file), "%s", c->why);
}

static int print_locals(struct printer *p, struct cursor *c)
{
        uint32_t groups, n;
        valtype t;

        if (!body_locals_begin(c, true, &groups))
                return body_error(p, c);
        for (uint32_t i = 0; i < groups; i++) {
                if (!body_local_group(c, true, &n, &t))
                        return body_error(p, c);
                /* A few bytes may ask for billions of locals. */
                if (n > limits_default.locals)
                        return error_set(p->err, STAGE_TEXT, -E2BIG, cursor_offset(c), "too many locals");
                if (!n)
                        continue;
                print(p, "\n    (local");
                for (uint32_t k = 0; k < n; k++) {
                        print(p, " ");
                        print_type(p, t);
                }
                print(p, ")");
        }
        return 0;
}

static void print_block_type(struct printer *p, const struct instruction *in)
{
        if (in->index != BLOCK_NO_TYPE) {
                printf_to(p, " (type %u)", in->index);
        } else if (in->type != VAL_BOTTOM) {
                print(p, " (result ");
                print_type(p, in->type);
                print(p, ")");
        }
}

static void print_catches(struct printer *p, const struct cursor *c, const struct instruction *in)
{
        static const char *const words[] = { "catch", "catch_ref", "catch_all", "catch_all_ref" };
        struct cursor clauses = *c;
        struct catch_clause clause;

        clauses.at = in->catches;
        for (uint32_t i = 0; i < in->index2 && body_catch(&clauses, true, &clause); i++) {
                printf_to(p, " (%s", words[clause.kind]);
                if (clause.kind <= CATCH_REF)
                        printf_to(p, " %u", clause.tag);
                printf_to(p, " %u)", clause.label);
        }
}

static void print_memarg(struct printer *p, const struct instruction *in)
{
        if (in->index)
                printf_to(p, " %u", in->index);
        if (in->offset)
                printf_to(p, " offset=%" PRIu64, in->offset);
        if (UINT64_C(1) << in->align != opcode_access_bytes((enum opcode)in->op))
                printf_to(p, " align=%" PRIu64, UINT64_C(1) << in->align);
        /* A lane alone would be taken for the memory if a number followed. */
        if (opcode_table[in->op].immediate == IMM_MEMARG_LANE)
                printf_to(p, " %u", in->lane);
}

/* Two indices, left out when both are 0 */
static void print_pair(struct printer *p, uint32_t a, uint32_t b)
{
        if (a || b)
                printf_to(p, " %u %u", a, b);
}

/* The labels lie behind the instruction: the cursor stands at the first. */
static bool print_labels(struct printer *p, struct cursor *c, const struct instruction *in)
{
        for (uint64_t i = 0; i <= in->index; i++) {
                uint32_t label;

                if (!read_u32(c, &label))
                        return false;
                printf_to(p, " %u", label);
        }
        return true;
}

/* The types of a select are read again: the instruction keeps only the last one. */
static bool print_types(struct printer *p, const struct cursor *c, const struct instruction *in)
{
        struct cursor types = *c;
        uint32_t n;

        types.at = in->at + 1;
        if (!read_u32(&types, &n))
                return false;
        print(p, " (result");
        for (uint32_t i = 0; i < n; i++) {
                valtype t;

                if (!body_valtype(&types, true, &t))
                        return false;
                print(p, " ");
                print_type(p, t);
        }
        print(p, ")");
        return true;
}

static bool print_immediate(struct printer *p, struct cursor *c, const struct instruction *in)
{
        switch ((enum immediate)opcode_table[in->op].immediate) {
        case IMM_NONE:
        case IMM_ZERO:
                break;
        case IMM_BLOCK:
                print_block_type(p, in);
                break;
        case IMM_LABELS:
                return print_labels(p, c, in);
        case IMM_FUNC:
                print(p, " ");
                print_function_index(p, in->index);
                break;
        case IMM_TRY_TABLE:
                print_block_type(p, in);
                print_catches(p, c, in);
                return true;
        case IMM_LABEL:
        case IMM_TAG:
        case IMM_TYPE:
        case IMM_LOCAL:
        case IMM_GLOBAL:
        case IMM_ELEM:
        case IMM_DATA:
                printf_to(p, " %u", in->index);
                break;
        case IMM_TABLE:
        case IMM_MEMORY:
                if (in->index)
                        printf_to(p, " %u", in->index);
                break;
        case IMM_CALL_INDIRECT:
                if (in->index2)
                        printf_to(p, " %u", in->index2);
                printf_to(p, " (type %u)", in->index);
                break;
        case IMM_HEAPTYPE:
                print(p, " ");
                print_heap_type(p, valtype_heap(in->type));
                break;
        case IMM_REF:
        case IMM_REF_NULL:
                print(p, " ");
                print_type(p, in->type);
                break;
        case IMM_BR_CAST:
                printf_to(p, " %u ", in->index);
                print_type(p, in->type);
                print(p, " ");
                print_type(p, in->wanted);
                break;
        case IMM_FIELD:
        case IMM_ARRAY_N:
        case IMM_ARRAY_DATA:
        case IMM_ARRAY_ELEM:
        case IMM_ARRAY_COPY:
                printf_to(p, " %u %u", in->index, in->index2);
                break;
        case IMM_TYPES:
                return print_types(p, c, in);
        case IMM_TABLE_INIT:
        case IMM_MEMORY_INIT:
                if (in->index2)
                        printf_to(p, " %u", in->index2);
                printf_to(p, " %u", in->index);
                break;
        case IMM_TABLE_COPY:
        case IMM_MEMORY_COPY:
                print_pair(p, in->index, in->index2);
                break;
        case IMM_MEMARG:
        case IMM_MEMARG_LANE:
                print_memarg(p, in);
                break;
        case IMM_I32:
                printf_to(p, " %" PRId32, (int32_t)in->bits[0]);
                break;
        case IMM_I64:
                printf_to(p, " %" PRId64, (int64_t)in->bits[0]);
                break;
        case IMM_F32:
                print(p, " ");
                print_f32(p, (uint32_t)in->bits[0]);
                break;
        case IMM_F64:
                print(p, " ");
                print_f64(p, in->bits[0]);
                break;
        case IMM_V128:
                print(p, " ");
                print_v128(p, in->bits);
                break;
        case IMM_LANE:
                printf_to(p, " %u", in->lane);
                break;
        case IMM_LANES16:
                for (unsigned i = 0; i < 16; i++)
                        printf_to(p, " %u", in->bytes[i]);
                break;
        }
        return true;
}

static void new_line(struct printer *p, uint32_t depth)
{
        static const char spaces[] = "                                    ";
        uint32_t n = 4 + 2 * (depth < INDENT_MAX ? depth : INDENT_MAX);

        _Static_assert(sizeof(spaces) > 4 + 2 * INDENT_MAX, "not enough spaces");
        buffer_u8(p->out, '\n');
        buffer_append(p->out, spaces, n);
}

/* What may stand in the innermost block: the reader has no form for an "else" without its "if". */
enum { BLOCK_PLAIN, BLOCK_IF, BLOCK_TRY, BLOCK_CATCH };

static bool in_part(const struct buffer *open, uint8_t a, uint8_t b)
{
        return open->size && (open->bytes[open->size - 1] == a || open->bytes[open->size - 1] == b);
}

static bool is_part(enum opcode op)
{
        return op == OP_ELSE || op == OP_CATCH || op == OP_CATCH_ALL;
}

static bool follow_blocks(struct buffer *open, enum opcode op)
{
        if (opcode_table[op].immediate == IMM_BLOCK || op == OP_TRY_TABLE) {
                buffer_u8(open, op == OP_IF ? BLOCK_IF : op == OP_TRY ? BLOCK_TRY : BLOCK_PLAIN);
        } else if (is_part(op)) {
                if (op == OP_ELSE ? !in_part(open, BLOCK_IF, BLOCK_IF) : !in_part(open, BLOCK_TRY, BLOCK_CATCH))
                        return false;
                open->bytes[open->size - 1] = op == OP_CATCH ? BLOCK_CATCH : BLOCK_PLAIN;
        } else if (op == OP_DELEGATE) {
                if (!in_part(open, BLOCK_TRY, BLOCK_TRY))
                        return false;
                open->size--;
        } else if (op == OP_END) {
                open->size--;
        }
        return true;
}

static int print_instructions(struct printer *p, uint32_t function, struct cursor *c,
                              struct buffer *open)
{
        const uint8_t *start = p->m->bytes + p->m->functions[function].body.offset;
        const struct branch_hint *end, *next = module_hints(p->m, function, &end), *hint;
        struct instruction in = { 0 };

        for (;;) {
                enum opcode op;
                uint32_t depth;

                if (!body_next(c, &in))
                        return body_error(p, c);
                op = (enum opcode)in.op;
                if (op == OP_END && !open->size)
                        return 0;
                depth = (uint32_t)open->size - (op == OP_END || ((is_part(op) || op == OP_DELEGATE) && open->size));
                if (!follow_blocks(open, op))
                        return error_set(p->err, STAGE_TEXT, -EBADMSG, (uint64_t)(in.at - c->file),
                                         "%s without its block", opcode_table[op].text);
                if (!buffer_ok(open))
                        return error_set(p->err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE,
                                         "memory for the text");
                new_line(p, depth);
                hint = p->hinted ? branch_hint_at(&next, end, (uint32_t)(in.at - start)) : NULL;
                if (hint)
                        printf_to(p, "(@metadata.code.branch_hint \"\\0%u\") ", hint->likely);
                print(p, opcode_table[op].text);
                if (!print_immediate(p, c, &in))
                        return body_error(p, c);
        }
}

int print_body(struct printer *p, uint32_t index)
{
        _cleanup_(buffer_done) struct buffer open = { 0 };
        struct cursor c = cursor_over(p->m, p->m->functions[index].body);
        int r = print_locals(p, &c);

        return r < 0 ? r : print_instructions(p, index, &c, &open);
}

/* Whether all hints of a function are those of branches. */
static bool body_hints_fit(const struct module *m, uint32_t function)
{
        const struct branch_hint *end, *next = module_hints(m, function, &end);
        struct cursor c = cursor_over(m, m->functions[function].body);
        const uint8_t *start = c.at;
        struct instruction in = { 0 };
        uint32_t groups, n, label;
        valtype t;

        if (next == end)
                return true;
        if (!body_locals_begin(&c, true, &groups))
                return false;
        while (groups--)
                if (!body_local_group(&c, true, &n, &t))
                        return false;
        while (next < end && body_next(&c, &in) && (size_t)(in.at - start) <= next->offset) {
                next += (size_t)(in.at - start) == next->offset &&
                        (in.op == OP_IF || in.op == OP_BR_IF);
                for (uint64_t i = 0; in.op == OP_BR_TABLE && i <= in.index; i++)
                        if (!read_u32(&c, &label))
                                return false;
        }
        return next == end;
}

bool print_hints_fit(const struct module *m)
{
        const struct custom_section *section;
        size_t end;

        if (!m->hints)
                return false;
        section = &m->customs[m->hints_section];
        end = section->bytes.offset + section->bytes.size;
        if (end >= m->size || m->bytes[end] != SECTION_CODE)
                return false;
        for (uint32_t f = m->imported_functions; f < m->nfunctions; f++)
                if (!body_hints_fit(m, f))
                        return false;
        return true;
}
