/* The validator's table, made from opcodes.def for the features that are on. */
#include "engine/validate/checker.h"

static const uint8_t special_class[_OP_MAX] = {
        [OP_LOCAL_GET] = CLASS_LOCAL_GET,   [OP_LOCAL_SET] = CLASS_LOCAL_SET,
        [OP_LOCAL_TEE] = CLASS_LOCAL_TEE,   [OP_GLOBAL_GET] = CLASS_GLOBAL_GET,
        [OP_GLOBAL_SET] = CLASS_GLOBAL_SET, [OP_BLOCK] = CLASS_BLOCK,
        [OP_LOOP] = CLASS_LOOP,             [OP_IF] = CLASS_IF,
        [OP_ELSE] = CLASS_ELSE,             [OP_END] = CLASS_END,
        [OP_BR] = CLASS_BR,                 [OP_BR_IF] = CLASS_BR_IF,
        [OP_BR_TABLE] = CLASS_BR_TABLE,     [OP_CALL] = CLASS_CALL,
        [OP_DROP] = CLASS_DROP,             [OP_SELECT] = CLASS_SELECT,
        [OP_UNREACHABLE] = CLASS_UNREACHABLE, [OP_RETURN] = CLASS_RETURN,
};

valtype letter_type(char letter)
{
        switch (letter) {
        case 'i':
        case 'a': /* replaced by the memory's address type where it is used */
                return VAL_I32;
        case 'I':
                return VAL_I64;
        case 'f':
                return VAL_F32;
        case 'F':
                return VAL_F64;
        case 'v':
                return VAL_V128;
        default:
                return VAL_BOTTOM;
        }
}

static uint8_t immediate_class(const struct opcode_info *info)
{
        bool is_store = !info->pushes[0];

        switch ((enum immediate)info->immediate) {
        case IMM_NONE:
                return CLASS_SIMPLE;
        case IMM_I32:
                return CLASS_CONST_I32;
        case IMM_I64:
                return CLASS_CONST_I64;
        case IMM_F32:
                return CLASS_CONST_F32;
        case IMM_F64:
                return CLASS_CONST_F64;
        case IMM_V128:
                return CLASS_CONST_V128;
        case IMM_MEMARG:
                if (info->feature == FEATURE_THREADS)
                        return CLASS_ATOMIC;
                return is_store ? CLASS_STORE : CLASS_LOAD;
        case IMM_MEMARG_LANE:
                return is_store ? CLASS_STORE_LANE : CLASS_LOAD_LANE;
        case IMM_LANE:
                return CLASS_LANE;
        case IMM_LANES16:
                return CLASS_SHUFFLE;
        default:
                return CLASS_RARE;
        }
}

/* "i8x16.extract_lane_s" has 16 lanes: the number behind the "x" of the shape. */
static uint8_t lanes_of(const struct opcode_info *info, unsigned access)
{
        const char *x;

        if (info->immediate == IMM_MEMARG_LANE)
                return (uint8_t)(16 / access);
        if (info->immediate != IMM_LANE)
                return 0;
        x = strchr(info->text, 'x');
        return (uint8_t)strtoul(x ? x + 1 : "0", NULL, 10);
}

static void fill_row(struct op_row *row, uint16_t op, uint64_t features)
{
        const struct opcode_info *info = &opcode_table[op];
        unsigned access = opcode_access_bytes(op);

        *row = (struct op_row) { .op = op, .feature = info->feature };
        if (!(features >> info->feature & 1)) {
                row->class = CLASS_OFF;
                return;
        }
        row->align = access ? (uint8_t)__builtin_ctz(access) : 0;
        row->lanes = lanes_of(info, access);
        if (info->pops[0] == '*' || special_class[op] || strlen(info->pops) > ELEMENTSOF(row->pops) ||
            strlen(info->pushes) > 1) {
                row->class = special_class[op] ? special_class[op] : CLASS_RARE;
                return;
        }
        row->class = immediate_class(info);
        for (const char *p = info->pops; *p; p++)
                row->pops[row->npops++] = letter_type(*p);
        if (info->pushes[0]) {
                row->npushes = 1;
                row->push = letter_type(info->pushes[0]);
        }
}

void checker_fill_rows(struct checker *k)
{
        for (uint16_t op = 0; op < _OP_MAX; op++) {
                fill_row(&k->rows[op], op, k->features);
                if (opcode_table[op].code <= 0xff)
                        k->bytes[opcode_table[op].code] = k->rows[op];
        }
}
