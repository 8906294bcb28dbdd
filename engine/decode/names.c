/* The custom section "name" (7.4.1). Nothing in it is an error: a name section that breaks a rule
 * is as good as none. */
#include "engine/decode/decoder.h"

enum { NAMES_MODULE = 0, NAMES_FUNCTIONS = 1 };

static bool read_plain_name(struct cursor *c, struct name *ret)
{
        uint32_t size;

        if (!read_u32(c, &size) || size > cursor_left(c) || !utf8_is_valid(c->at, size))
                return false;
        *ret = (struct name) { (const char *)c->at, size };
        c->at += size;
        return true;
}

/* A name map: indices in ascending order, each once. */
static bool read_function_names(struct cursor *c, const struct module *m, struct name *names)
{
        uint64_t next = 0;
        uint32_t n, index;

        if (!read_u32(c, &n))
                return false;
        for (uint32_t i = 0; i < n; i++) {
                if (!read_u32(c, &index) || index < next || index >= m->nfunctions)
                        return false;
                if (!read_plain_name(c, &names[index]))
                        return false;
                next = (uint64_t)index + 1;
        }
        return c->at == c->end;
}

static bool read_names(struct cursor c, const struct module *m, struct name *ret_module,
                       struct name *names, bool *ret_any)
{
        int last = -1;

        while (c.at < c.end) {
                struct cursor part = c;
                uint32_t size;
                uint8_t id;

                if (!read_u8(&c, &id) || id <= last || !read_u32(&c, &size) ||
                    size > cursor_left(&c))
                        return false;
                part = c;
                part.end = c.at + size;
                c.at += size;
                last = id;
                if (id == NAMES_MODULE &&
                    (!read_plain_name(&part, ret_module) || part.at != part.end))
                        return false;
                if (id == NAMES_FUNCTIONS) {
                        if (!read_function_names(&part, m, names))
                                return false;
                        *ret_any = true;
                }
        }
        return true;
}

int decode_names(struct decoder *d)
{
        struct module *m = d->m;
        struct name module_name = { 0 }, *names;
        bool any = false;

        for (uint32_t i = 0; i < m->ncustoms; i++) {
                const struct name *name = &m->customs[i].name;

                if (name->size != 4 || memcmp(name->bytes, "name", 4) != 0)
                        continue;
                names = pool_alloc(d->pool, m->nfunctions, sizeof(*names));
                if (!names)
                        return decoder_no_memory(d);
                if (!read_names(cursor_over(m, m->customs[i].bytes), m, &module_name, names, &any))
                        return 0;
                m->module_name = module_name;
                m->function_names = any ? names : NULL;
                return 0;
        }
        return 0;
}
