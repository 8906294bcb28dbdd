/* path_check.c - the form of a path, before anybody else sees it. */
#include <string.h>

#include "shim/wasi/state.h"

/* Well-formed by the table of Unicode (no overlong forms, no surrogates, nothing above U+10FFFF). */
static bool utf8_valid(const uint8_t *p, size_t n)
{
        size_t i = 0;

        while (i < n) {
                uint8_t c = p[i++], low = 0x80, high = 0xbf;
                unsigned more;

                if (c < 0x80)
                        continue;
                if (c < 0xc2 || c > 0xf4)
                        return false;
                more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
                if (c == 0xe0)
                        low = 0xa0;
                else if (c == 0xed)
                        high = 0x9f;
                else if (c == 0xf0)
                        low = 0x90;
                else if (c == 0xf4)
                        high = 0x8f;
                for (; more > 0; more--, low = 0x80, high = 0xbf)
                        if (i == n || p[i] < low || p[i++] > high)
                                return false;
        }
        return true;
}

enum wasi_errno path_prepare(const struct guest *g, uint32_t p, uint32_t bytes,
                             struct path_text *ret)
{
        struct guest_span s;
        enum wasi_errno e = guest_span(g, guest_ptr(p), bytes, 1, &s);

        if (e)
                return e;
        if (bytes == 0)
                return WASI_NOENT;
        if (bytes > PATH_BYTES_MAX)
                return WASI_NAMETOOLONG;
        guest_load(&s, 0, ret->text, bytes);
        ret->text[bytes] = 0;
        ret->bytes = bytes;
        if (memchr(ret->text, 0, bytes))
                return WASI_INVAL;
        return utf8_valid((const uint8_t *)ret->text, bytes) ? WASI_SUCCESS : WASI_ILSEQ;
}

#ifdef WASI_NO_PATH_CHECK

enum wasi_errno path_contained(const struct path_text *path)
{
        return WASI_SUCCESS;
}

#else

/* By its text alone: where links lead is the broker's and the kernel's business. */
enum wasi_errno path_contained(const struct path_text *path)
{
        const char *p = path->text, *end = path->text + path->bytes;
        long depth = 0;

        if (*p == '/')
                return WASI_NOTCAPABLE;
        while (p < end) {
                const char *slash = memchr(p, '/', end - p);
                size_t n = (slash ? slash : end) - p;

                if (n == 2 && p[0] == '.' && p[1] == '.')
                        depth--;
                else if (n > 0 && !(n == 1 && p[0] == '.'))
                        depth++;
                if (depth < 0)
                        return WASI_NOTCAPABLE;
                p += n + 1;
        }
        return WASI_SUCCESS;
}

#endif
