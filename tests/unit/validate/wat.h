/* wat.h - modules of tests as text: "(module ...)" to bytes. */
#pragma once

#include "engine/text/text.h"
#include "tests/unit/unit.h"

static inline uint8_t *wat_bytes(const char *wat, size_t *ret_size)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct error err = { 0 };
        uint8_t *exact;
        int r = text_module_to_binary(wat, strlen(wat), &b, &err);

        ck_assert_msg(r == 0, "%s\n%s", err.text, wat);
        exact = malloc(b.size); /* of exactly its size: a sanitizer sees a read past the end */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, b.bytes, b.size);
        *ret_size = b.size;
        return exact;
}
