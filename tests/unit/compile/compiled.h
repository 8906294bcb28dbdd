/* compiled.h - a module of the text format, checked, for the tests of the generators. */
#pragma once

#include "engine/compile/compile.h"
#include "engine/decode/decode.h"
#include "engine/text/text.h"
#include "tests/unit/unit.h"

struct compiled {
        struct buffer wasm;
        struct module *module;
        struct checked_module *checked;
};

static inline void prepare(struct compiled *c, const char *text, size_t size)
{
        struct error err = { 0 };

        *c = (struct compiled) { 0 };
        ck_assert_msg(text_module_to_binary(text, size, &c->wasm, &err) == 0, "%s", err.text);
        ck_assert_msg(module_decode(c->wasm.bytes, c->wasm.size, &limits_default, FEATURES_DEFAULT,
                                    0, &c->module, &err) == 0, "%s", err.text);
        ck_assert_msg(module_validate(c->module, &limits_default, FEATURES_DEFAULT, 1, &c->checked,
                                      &err) == 0, "%s", err.text);
}

static inline void done(struct compiled *c)
{
        checked_module_free(c->checked);
        module_free(c->module);
        buffer_done(&c->wasm);
}
