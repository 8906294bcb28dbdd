#include "engine/decode/body.h"

#include <stdio.h>

/* Core 3.0 (5.4) and the threads proposal: what exists without a row in opcodes.def. */
static const struct { uint8_t first, last; } known_bytes[] = {
        { 0xe0, 0xe6 }, /* stack switching */
};

bool opcode_is_known(uint8_t byte)
{
        for (size_t i = 0; i < ELEMENTSOF(known_bytes); i++)
                if (byte >= known_bytes[i].first && byte <= known_bytes[i].last)
                        return true;
        return false;
}

bool type_is_known(uint8_t byte)
{
        return byte == 0x68 || byte == 0x75; /* continuations */
}

bool body_catch(struct cursor *c, bool check, struct catch_clause *ret)
{
        *ret = (struct catch_clause) { 0 };
        if (!body_u8(c, check, &ret->kind))
                return false;
        if (ret->kind > CATCH_ALL_REF)
                return cursor_fail(c, c->at - 1, "malformed catch clause");
        return (ret->kind >= CATCH_ALL || body_u32(c, check, &ret->tag)) &&
               body_u32(c, check, &ret->label);
}

bool body_catches(struct cursor *c, bool check, struct instruction *in)
{
        struct catch_clause clause;

        if (!body_u32(c, check, &in->index2))
                return false;
        in->catches = c->at;
        for (uint32_t i = 0; i < in->index2; i++)
                if (!body_catch(c, check, &clause))
                        return false;
        return true;
}

bool body_br_cast(struct cursor *c, bool check, struct instruction *in)
{
        uint32_t from, to;
        uint8_t flags;

        if (!body_u8(c, check, &flags))
                return false;
        if (flags > 3)
                return cursor_fail(c, c->at - 1, "malformed cast flags");
        if (!body_u32(c, check, &in->index) || !body_heap(c, check, &from) ||
            !body_heap(c, check, &to))
                return false;
        in->type = flags & 1 ? VAL_REF_NULL(from) : VAL_REF_TO(from);
        in->wanted = flags & 2 ? VAL_REF_NULL(to) : VAL_REF_TO(to);
        return true;
}

bool body_heap(struct cursor *c, bool check, uint32_t *ret)
{
        int64_t index;
        valtype t;

        if (check && c->at >= c->end)
                return cursor_fail(c, c->at, text_unexpected_end);
        t = valtype_of_byte(*c->at);
        if (valtype_is_ref(t)) {
                c->at++;
                *ret = valtype_heap(t);
                return true;
        }
        if (check) {
                const uint8_t *at = c->at;

                if (type_is_known(*at) || (*at & 0xc0) == 0x40)
                        return body_type_fail(c, at, "malformed heap type");
                if (!read_s33(c, &index))
                        return false;
                if (index < 0)
                        return cursor_fail(c, at, "malformed heap type");
        } else {
                index = body_leb_s(&c->at);
        }
        *ret = index < HEAP_UNKNOWN ? (uint32_t)index : HEAP_UNKNOWN;
        return true;
}

bool body_reference(struct cursor *c, bool check, uint8_t byte, const char *why, valtype *ret)
{
        uint32_t heap;

        if (byte != 0x63 && byte != 0x64)
                return body_type_fail(c, c->at - 1, why);
        if (!body_heap(c, check, &heap))
                return false;
        *ret = byte == 0x63 ? VAL_REF_NULL(heap) : VAL_REF_TO(heap);
        return true;
}

/* Texts of error.h are copied when they are set; a thread needs one at a time. */
const char *opcode_why(const uint8_t *at, const uint8_t *end)
{
        static _Thread_local char text[80];
        const char *form = "illegal opcode %02x";
        struct leb number = { 0, NULL };

        if (opcode_is_prefix(*at))
                number = leb_unsigned(at + 1, end, 32);
        if (number.next)
                form = "illegal opcode %02x %02x";
        if (opcode_is_known(*at))
                form = number.next ? "opcode %02x %02x of a proposal that is not supported"
                                   : "opcode %02x of a proposal that is not supported";
        snprintf(text, sizeof(text), form, *at, (unsigned)number.value);
        return text;
}
