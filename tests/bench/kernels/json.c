/* A JSON tokenizer: branches on bytes. */
#include "kernel.h"

static const char text[] =
        "{\"name\": \"nacelle\", \"list\": [1, 2.5, -3e10, true, false, null], \"nested\": {\"a\": "
        "[{\"b\": \"c\\n\\u0041\"}, {\"d\": []}], \"long string with words\": \"lorem ipsum dolor\"},"
        " \"numbers\": [0, 10, 200, 3000, 40000, 500000, 6000000], \"end\": \"\"}  ";

struct counts { uint32_t strings, numbers, words, marks, depth, deepest; };

static NOINLINE void tokenize(const char *p, const char *end, struct counts *c)
{
        while (p < end) {
                char ch = *p++;

                switch (ch) {
                case ' ':
                case '\n':
                case '\t':
                case '\r':
                        break;
                case '"':
                        while (p < end && *p != '"')
                                p += *p == '\\' ? 2 : 1;
                        p++;
                        c->strings++;
                        break;
                case '{':
                case '[':
                        c->depth++;
                        c->deepest = c->depth > c->deepest ? c->depth : c->deepest;
                        c->marks++;
                        break;
                case '}':
                case ']':
                        c->depth--;
                        c->marks++;
                        break;
                case ':':
                case ',':
                        c->marks++;
                        break;
                default:
                        if (ch == '-' || (ch >= '0' && ch <= '9')) {
                                while (p < end && ((*p >= '0' && *p <= '9') || *p == '.' || *p == 'e' ||
                                                   *p == '+' || *p == '-'))
                                        p++;
                                c->numbers++;
                        } else {
                                while (p < end && *p >= 'a' && *p <= 'z')
                                        p++;
                                c->words++;
                        }
                }
        }
}

KERNEL(json)
{
        struct counts c = { 0 };

        for (uint32_t round = 0; round < n * 100; round++)
                tokenize(text, text + sizeof(text) - 1, &c);
        return mix(mix(c.strings, c.numbers), mix(c.words, c.marks * 7 + c.deepest));
}
