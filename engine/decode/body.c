#include "engine/decode/body.h"

#include <stdio.h>

/* Core 3.0 (5.4) and the threads proposal: what exists without a row in opcodes.def. */
static const struct { uint8_t first, last; } known_bytes[] = {
        { 0x06, 0x0a }, /* exceptions, the first form and throw_ref */
        { 0x14, 0x15 }, /* call_ref, return_call_ref */
        { 0x18, 0x19 }, { 0x1f, 0x1f },
        { 0xd3, 0xd6 }, /* ref.eq to br_on_non_null */
        { 0xfb, 0xfb }, /* gc */
        { 0xfe, 0xfe }, /* threads */
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
        return (byte >= 0x63 && byte <= 0x64) || (byte >= 0x68 && byte <= 0x6e) ||
               (byte >= 0x71 && byte <= 0x74) || byte == 0x77 || byte == 0x78;
}

/* Texts of error.h are copied when they are set; a thread needs one at a time. */
const char *opcode_why(const uint8_t *at, const uint8_t *end)
{
        static _Thread_local char text[80];
        const char *form = "illegal opcode %02x";
        struct leb number = { 0, NULL };

        if (*at == 0xfc || *at == 0xfd)
                number = leb_unsigned(at + 1, end, 32);
        if (number.next)
                form = "illegal opcode %02x %02x";
        if (opcode_is_known(*at))
                form = number.next ? "opcode %02x %02x of a proposal that is not supported"
                                   : "opcode %02x of a proposal that is not supported";
        snprintf(text, sizeof(text), form, *at, (unsigned)number.value);
        return text;
}
