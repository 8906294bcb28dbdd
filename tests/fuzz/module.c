/* Bytes as a module: decode, validate, and read what was accepted without checks, as a generator
 * does. Also the entry for libFuzzer:
 *   clang -fsanitize=fuzzer,address,undefined -DNACELLE_LIBFUZZER -I. -o fuzz-module \
 *           tests/fuzz/module.c libvalidate.a libdecode.a libbase.a */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/decode/body.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "tests/fuzz/fuzz.h"

/* An accepted body is read to its last byte, and not beyond, by the reader without checks. */
static void walk_body(const struct module *m, uint32_t f, const struct function_facts *facts)
{
        struct cursor c = cursor_over(m, m->functions[f].body);
        struct instruction in = { 0 };
        uint32_t groups = 0, n = 0, depth = 1;
        valtype type = VAL_BOTTOM;

        body_locals_begin(&c, false, &groups);
        while (groups-- > 0)
                body_local_group(&c, false, &n, &type);
        if (cursor_offset(&c) != facts->code_offset)
                fuzz_fail("function %u: code at %zu, the facts say %u", f, cursor_offset(&c),
                          facts->code_offset);
        while (depth > 0) {
                if (c.at >= c.end)
                        fuzz_fail("function %u: accepted, and runs past its end", f);
                body_next_checked(&c, &in);
                if (in.op == OP_BLOCK || in.op == OP_LOOP || in.op == OP_IF || in.op == OP_TRY ||
                    in.op == OP_TRY_TABLE)
                        depth++;
                else if (in.op == OP_END || in.op == OP_DELEGATE)
                        depth--;
                else if (in.op == OP_BR_TABLE)
                        for (uint64_t i = 0; i <= in.index; i++)
                                (void)body_label(&c);
        }
        if (c.at != c.end)
                fuzz_fail("function %u: accepted, and bytes are left", f);
}

int target_module(const uint8_t *bytes, size_t size, uint32_t seed)
{
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        uint64_t features = seed & 1 ? ~UINT64_C(0) : FEATURES_DEFAULT;
        unsigned flags = seed % 16 == 3 ? DECODE_SKELETON : 0;
        struct error err = { 0 };
        int r = module_decode(bytes, size, &limits_default, features, flags, &m, &err);

        if (r < 0) {
                fuzz_refused(r, &err, size, m != NULL);
                return r;
        }
        r = module_validate(m, &limits_default, features, 1 + (seed >> 4 & 1), &c, &err);
        if (r < 0) {
                fuzz_refused(r, &err, size, c != NULL);
                return r;
        }
        if (c->features_used & ~features)
                fuzz_fail("accepted with features that are off");
        for (uint32_t f = m->imported_functions; f < m->nfunctions && c->facts; f++)
                walk_body(m, f, &c->facts[f - m->imported_functions]);
        return 0;
}

#ifdef NACELLE_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

void fuzz_fail(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        uint32_t seed = size > 0 ? bytes[size - 1] : 0; /* a byte that most inputs can spare */

        target_module(bytes, size, seed);
        return 0;
}
#endif
