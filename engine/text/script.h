/* script.h - test scripts (.wast), one command after the other.
 *
 * script_open - start reading @text (borrowed). -EBADMSG when it is no UTF-8, -ENOMEM.
 * script_next - the next command.
 * @ret: filled; what it points to is valid until the next call. .line is right after a failure as well.
 * Returns 1, 0 at the end, -EBADMSG when a command makes no sense (the next call goes on behind it,
 * unless the text has no groups any more: then the call after that returns 0), -ENOMEM.
 *
 * A module that cannot be read is no failure of the script: script_module.error says what is wrong, because
 * that is what assert_malformed is about. A file with nothing but fields is one module command. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/decode/types.h"

enum script_kind {
        SCRIPT_MODULE,          /* .module: decode, validate, instantiate; a definition: not instantiate */
        SCRIPT_INSTANCE,        /* .module: id and source */
        SCRIPT_REGISTER,        /* .name, .module.id */
        SCRIPT_ACTION,          /* .action */
        SCRIPT_ASSERT_RETURN,   /* .action, .results */
        SCRIPT_ASSERT_TRAP,     /* .action, .text */
        SCRIPT_ASSERT_EXHAUSTION,
        SCRIPT_ASSERT_EXCEPTION, /* .action */
        SCRIPT_ASSERT_SUSPENSION,
        SCRIPT_ASSERT_MALFORMED, /* .module, .text; so are all below */
        SCRIPT_ASSERT_INVALID,
        SCRIPT_ASSERT_UNLINKABLE,
        SCRIPT_ASSERT_UNINSTANTIABLE, /* instantiation traps */
        SCRIPT_ASSERT_MALFORMED_CUSTOM,
        SCRIPT_ASSERT_INVALID_CUSTOM,
};

struct script_name { /* bytes == NULL: none */
        const char *bytes;
        size_t size;
};

enum script_value_kind {
        SCRIPT_I32,
        SCRIPT_I64,
        SCRIPT_F32,
        SCRIPT_F64,
        SCRIPT_V128,
        SCRIPT_REF_NULL,   /* .heap, or .any: of whatever type */
        SCRIPT_REF_EXTERN, /* .bits[0]: number of the host's value, or .any */
        SCRIPT_REF_HOST,   /* the same, but converted to an internal reference */
        SCRIPT_REF_FUNC,   /* always .any from here on: not null and of that type */
        SCRIPT_REF_I31,
        SCRIPT_REF_EQ,
        SCRIPT_REF_STRUCT,
        SCRIPT_REF_ARRAY,
        SCRIPT_REF_EXN,
        SCRIPT_REF_ANY,
        SCRIPT_EITHER,     /* .alternatives */
};

enum script_nan { SCRIPT_NO_NAN, SCRIPT_NAN_CANONICAL, SCRIPT_NAN_ARITHMETIC };

struct script_value { /* an argument, or the pattern of a result */
        enum script_value_kind kind;
        bool any;
        uint8_t lanes, lane_bits; /* of v128 */
        bool lanes_are_float;
        uint8_t nan[4];    /* enum script_nan for each lane; f32 and f64 have lane 0 */
        uint32_t heap;
        uint64_t bits[2];
        uint32_t nalternatives;
        const struct script_value *alternatives;
};

enum script_form { SCRIPT_TEXT, SCRIPT_BINARY, SCRIPT_QUOTE };

struct script_module {
        enum script_form form;
        bool is_definition;
        struct script_name id;     /* without "$" */
        struct script_name source; /* SCRIPT_INSTANCE: of which module; none: the last one */
        const uint8_t *bytes;      /* binary format */
        size_t size;
        struct error error;        /* code < 0: could not be read as text */
};

struct script_action {
        bool is_get; /* a global instead of a call */
        struct script_name module, name;
        uint32_t nargs;
        const struct script_value *args;
};

struct script_command {
        enum script_kind kind;
        size_t at;               /* byte of the file */
        uint32_t line;
        struct script_module module;
        struct script_action action;
        struct script_name name;
        uint32_t nresults;
        const struct script_value *results;
        const char *text;        /* that the failure must mention; terminated */
};

struct script;

_must_check_ int script_open(const char *text, size_t size, struct script **ret, struct error *err);
_must_check_ int script_next(struct script *s, struct script_command *ret, struct error *err);
void script_free(struct script *s); /* takes NULL */

static inline void script_freep(struct script **s)
{
        script_free(*s);
}

const char *script_kind_text(enum script_kind kind);
/* "f32:nan:canonical", "i32:7", ... into @text, cut to @size. Returns @text. */
char *script_value_text(const struct script_value *v, char *text, size_t size);
