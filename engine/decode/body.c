#include "engine/decode/body.h"

#include <stdio.h>

/* Texts of error.h are copied when they are set; a thread needs one at a time. */
const char *opcode_why(const uint8_t *at, const uint8_t *end)
{
        static _Thread_local char text[48];
        struct leb number = { 0, NULL };

        if (*at == 0xfc || *at == 0xfd)
                number = leb_unsigned(at + 1, end, 32);
        if (number.next)
                snprintf(text, sizeof(text), "illegal opcode %02x %02x", *at, (unsigned)number.value);
        else
                snprintf(text, sizeof(text), "illegal opcode %02x", *at);
        return text;
}
