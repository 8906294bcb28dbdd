/* Bytes as text: a module, and a script. A module as text and back: what can be printed can be read. */
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/text/print.h"
#include "engine/text/script.h"
#include "engine/text/text.h"
#include "tests/fuzz/fuzz.h"

static int refused(int r, const struct error *err, size_t size, const struct buffer *out)
{
        fuzz_refused(r, err, size, out->size);
        return r;
}

int target_text(const uint8_t *bytes, size_t size, uint32_t seed)
{
        _cleanup_(buffer_done) struct buffer out = { 0 };
        struct error err = { 0 };
        int r = text_module_to_binary((const char *)bytes, size, &out, &err);

        return r < 0 ? refused(r, &err, size, &out) : 0;
}

/* A script that ends; the worst that a command of it met. */
int target_script(const uint8_t *bytes, size_t size, uint32_t seed)
{
        _cleanup_(script_freep) struct script *s = NULL;
        struct script_command c;
        struct error err = { 0 };
        int r = script_open((const char *)bytes, size, &s, &err), worst = 0;

        if (r < 0)
                return r;
        for (size_t n = 0;; n++) {
                r = script_next(s, &c, &err);
                if (!r)
                        return worst;
                if (r == -ENOMEM || c.module.error.code == -ENOMEM)
                        return -ENOMEM;
                if (r < 0 || c.module.error.code)
                        worst = -EBADMSG;
                if (n > size)
                        fuzz_fail("more commands than bytes");
        }
}

int target_print(const uint8_t *bytes, size_t size, uint32_t seed)
{
        _cleanup_(buffer_done) struct buffer text = { 0 }, out = { 0 };
        _cleanup_(module_freep) struct module *m = NULL;
        struct error err = { 0 };
        int r = module_decode(bytes, size, &limits_default, ~UINT64_C(0), 0, &m, &err);

        if (r < 0)
                return r;
        r = module_print(m, &text, &err);
        if (r < 0)
                return refused(r, &err, size, &text);
        r = text_module_to_binary((const char *)text.bytes, text.size, &out, &err);
        if (r == -EBADMSG)
                fuzz_fail("printed, but not readable: %s\n%.*s", err.text,
                          text.size < 100000 ? (int)text.size : 100000, (const char *)text.bytes);
        return r;
}

void prepare_text(const uint8_t *bytes, size_t size, struct buffer *out)
{
        _cleanup_(module_freep) struct module *m = NULL;

        if (module_decode(bytes, size, &limits_default, ~UINT64_C(0), 0, &m, NULL) >= 0 &&
            module_print(m, out, NULL) < 0)
                fuzz_fail("a good module was not printed");
}

/* Two modules and assertions about them */
void prepare_script(const uint8_t *bytes, size_t size, struct buffer *out)
{
        static const char more[] =
                "(module $b binary \"\\00asm\\01\\00\\00\\00\") (register \"b\" $b)\n"
                "(assert_return (invoke \"a\" (i32.const 1) (ref.extern 2) (v128.const f32x4 1 2 3 inf))\n"
                "  (f32.const nan:canonical) (either (i64.const 1) (ref.null)))\n"
                "(assert_malformed (module quote \"(func $\\22x y\\22) (func \" \"))\") \"unexpected\")\n"
                "(module (@name \"n\") (@custom \"c\" (after type) \"x\") (func $f (@name \"f\")) (func $g))\n"
                "(module instance $i $b) (assert_trap (get $i \"g\") \"x\")\n";

        prepare_text(bytes, size, out);
        buffer_append(out, more, sizeof(more) - 1);
}
