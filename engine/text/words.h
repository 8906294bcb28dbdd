/* words.h - every word of the text format as a number: keywords from words.def, then one number
 * for each instruction of opcodes.def, so that an instruction's keyword is written down once.
 *
 * word_find - the number of @size bytes at @text; WORD_NONE when the format has no such word.
 *   Where two instructions share a keyword (select), the first row of opcodes.def is found. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/decode/opcodes.h"

enum word {
        WORD_NONE,
#define WORD(name, text) WORD_##name,
#include "engine/text/words.def"
        /* "offset=8" and "align=4" are one token each; the number is the token's tail. */
        WORD_OFFSET_IS,
        WORD_ALIGN_IS,
        WORD_INSTRUCTIONS, /* + enum opcode */
};

uint16_t word_find(const char *text, size_t size);
const char *word_text(enum word word); /* of a row of words.def */

static inline bool word_is_instruction(uint16_t word)
{
        return word >= WORD_INSTRUCTIONS;
}

static inline enum opcode word_opcode(uint16_t word)
{
        return (enum opcode)(word - WORD_INSTRUCTIONS);
}
