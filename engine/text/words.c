#include "engine/text/words.h"

#include <pthread.h>
#include <string.h>

static const struct {
        uint16_t word;
        const char *text;
} words[] = {
#define WORD(name, text) { WORD_##name, text },
#include "engine/text/words.def"
#define OP(name, code, text, immediate, pops, pushes, feature) \
        { WORD_INSTRUCTIONS + OP_##name, text },
#include "engine/decode/opcodes.def"
};

#define NWORDS (sizeof(words) / sizeof(words[0]))
#define NSLOTS 4096u /* a power of two, more than twice the words */

_Static_assert(NWORDS * 2 < NSLOTS, "the table of words is too full to be fast");

static uint16_t slots[NSLOTS]; /* 1 + row of words[]; 0: empty */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t word_hash(const char *text, size_t size)
{
        uint32_t h = 2166136261u; /* FNV-1a: the words are ours, nobody can choose collisions */

        for (size_t i = 0; i < size; i++)
                h = (h ^ (uint8_t)text[i]) * 16777619u;
        return h ^ h >> 15;
}

/* The slot of the word, or the empty one where it would be. */
static uint32_t slot_find(const char *text, size_t size)
{
        uint32_t s = word_hash(text, size) & (NSLOTS - 1);

        while (slots[s]) {
                const char *have = words[slots[s] - 1].text;

                if (!strncmp(have, text, size) && !have[size])
                        break;
                s = (s + 1) & (NSLOTS - 1);
        }
        return s;
}

static void build(void)
{
        for (size_t i = 0; i < NWORDS; i++) {
                uint32_t s = slot_find(words[i].text, strlen(words[i].text));

                if (!slots[s])
                        slots[s] = (uint16_t)(i + 1);
        }
}

uint16_t word_find(const char *text, size_t size)
{
        uint32_t s;

        pthread_once(&once, build);
        s = slot_find(text, size);
        return slots[s] ? words[slots[s] - 1].word : WORD_NONE;
}

const char *word_text(enum word word)
{
        /* The keywords come first, in the order of their numbers. */
        return word > WORD_NONE && word < WORD_OFFSET_IS ? words[word - 1].text : "";
}
