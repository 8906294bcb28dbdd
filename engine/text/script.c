#include "engine/text/script.h"

#include <string.h>

#include "engine/text/module_text.h"
#include "engine/text/script_text.h"
#include "engine/text/strings.h"
#include "engine/text/text.h"

/* Commands; @has_module: the first operand is a module, and no action. */
static const struct command_word {
        enum word word;
        enum script_kind kind;
        bool has_module, has_results, has_text;
} command_words[] = {
        { WORD_MODULE, SCRIPT_MODULE, false, false, false },
        { WORD_REGISTER, SCRIPT_REGISTER, false, false, false },
        { WORD_INVOKE, SCRIPT_ACTION, false, false, false },
        { WORD_GET, SCRIPT_ACTION, false, false, false },
        { WORD_ASSERT_RETURN, SCRIPT_ASSERT_RETURN, false, true, false },
        { WORD_ASSERT_TRAP, SCRIPT_ASSERT_TRAP, false, false, true },
        { WORD_ASSERT_EXHAUSTION, SCRIPT_ASSERT_EXHAUSTION, false, false, true },
        { WORD_ASSERT_EXCEPTION, SCRIPT_ASSERT_EXCEPTION, false, false, false },
        { WORD_ASSERT_SUSPENSION, SCRIPT_ASSERT_SUSPENSION, false, false, true },
        { WORD_ASSERT_MALFORMED, SCRIPT_ASSERT_MALFORMED, true, false, true },
        { WORD_ASSERT_INVALID, SCRIPT_ASSERT_INVALID, true, false, true },
        { WORD_ASSERT_UNLINKABLE, SCRIPT_ASSERT_UNLINKABLE, true, false, true },
        { WORD_ASSERT_UNINSTANTIABLE, SCRIPT_ASSERT_UNINSTANTIABLE, true, false, true },
        { WORD_ASSERT_MALFORMED_CUSTOM, SCRIPT_ASSERT_MALFORMED_CUSTOM, true, false, true },
        { WORD_ASSERT_INVALID_CUSTOM, SCRIPT_ASSERT_INVALID_CUSTOM, true, false, true },
};

static const char *const kind_texts[] = {
        [SCRIPT_MODULE] = "module",
        [SCRIPT_INSTANCE] = "module instance",
        [SCRIPT_REGISTER] = "register",
        [SCRIPT_ACTION] = "action",
        [SCRIPT_ASSERT_RETURN] = "assert_return",
        [SCRIPT_ASSERT_TRAP] = "assert_trap",
        [SCRIPT_ASSERT_EXHAUSTION] = "assert_exhaustion",
        [SCRIPT_ASSERT_EXCEPTION] = "assert_exception",
        [SCRIPT_ASSERT_SUSPENSION] = "assert_suspension",
        [SCRIPT_ASSERT_MALFORMED] = "assert_malformed",
        [SCRIPT_ASSERT_INVALID] = "assert_invalid",
        [SCRIPT_ASSERT_UNLINKABLE] = "assert_unlinkable",
        [SCRIPT_ASSERT_UNINSTANTIABLE] = "assert_trap of a module",
        [SCRIPT_ASSERT_MALFORMED_CUSTOM] = "assert_malformed_custom",
        [SCRIPT_ASSERT_INVALID_CUSTOM] = "assert_invalid_custom",
};

const char *script_kind_text(enum script_kind kind)
{
        return (unsigned)kind < ELEMENTSOF(kind_texts) ? kind_texts[kind] : "";
}

/* A copy of @size bytes with a zero behind, in the command's pool. */
static const char *keep(struct script *s, const void *bytes, size_t size)
{
        char *copy = pool_alloc(s->pool, size + 1, 1);

        if (!copy) {
                reader_no_memory(&s->r);
                return NULL;
        }
        if (size)
                memcpy(copy, bytes, size);
        return copy;
}

static struct script_name read_string(struct script *s)
{
        struct script_name name = { 0 };

        if (!reader_is(&s->r, TOKEN_STRING)) {
                reader_unexpected(&s->r);
                return name;
        }
        s->scratch.size = 0;
        string_append(reader_text(&s->r), s->r.token.size, &s->scratch);
        if (!buffer_ok(&s->scratch)) {
                reader_no_memory(&s->r);
                return name;
        }
        name = (struct script_name) { keep(s, s->scratch.bytes, s->scratch.size), s->scratch.size };
        reader_next(&s->r);
        return name;
}

static struct script_name read_id(struct script *s)
{
        struct script_name name = { 0 };

        if (!reader_is(&s->r, TOKEN_ID))
                return name;
        name = (struct script_name) { keep(s, reader_text(&s->r) + 1, s->r.token.size - 1),
                                      s->r.token.size - 1 };
        reader_next(&s->r);
        return name;
}

/* "binary" or "quote" and the strings after it */
static void read_strings(struct script *s, struct script_module *module)
{
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct buffer *out = module->form == SCRIPT_BINARY ? &s->binary : &text;

        reader_next(&s->r);
        while (reader_is(&s->r, TOKEN_STRING)) {
                string_append(reader_text(&s->r), s->r.token.size, out);
                reader_next(&s->r);
        }
        if (!buffer_ok(out))
                reader_no_memory(&s->r);
        else if (module->form == SCRIPT_QUOTE)
                (void)!text_module_to_binary((const char *)text.bytes, text.size, &s->binary,
                                             &module->error);
}

/* Behind "(module", up to and with its ")" */
static void read_module(struct script *s, size_t at, struct script_command *c)
{
        struct script_module *module = &c->module;
        struct reader end = s->r, fields;
        struct token id;

        if (reader_accept(&s->r, WORD_INSTANCE)) {
                c->kind = SCRIPT_INSTANCE;
                module->id = read_id(s);
                module->source = read_id(s);
                reader_expect_close(&s->r);
                return;
        }
        module->is_definition = reader_accept(&s->r, WORD_DEFINITION);
        id = s->r.token;
        module->id = read_id(s);
        s->binary.size = 0;
        if (s->r.failed)
                return;
        if (reader_is_word(&s->r, WORD_BINARY) || reader_is_word(&s->r, WORD_QUOTE)) {
                module->form = reader_is_word(&s->r, WORD_BINARY) ? SCRIPT_BINARY : SCRIPT_QUOTE;
                read_strings(s, module);
        } else {
                /* Wherever the module's text breaks, the script goes on behind its ")". */
                end.lexer.at = at;
                end.has_peek = false;
                reader_next(&end);
                reader_skip_group(&end);
                fields = s->r;
                fields.err = &module->error;
                if (module_text_read(&fields, &id, &s->binary) >= 0)
                        reader_expect_close(&fields);
                s->r = end;
        }
        if (module->form != SCRIPT_TEXT)
                reader_expect_close(&s->r);
        module->bytes = s->binary.bytes;
        module->size = s->binary.size;
}

/* Behind "(invoke" or "(get", up to and with its ")" */
static void read_action(struct script *s, bool is_get, struct script_action *action)
{
        action->is_get = is_get;
        action->module = read_id(s);
        action->name = read_string(s);
        if (!is_get)
                action->args = script_values(s, &action->nargs);
        reader_expect_close(&s->r);
}

/* The module or action that an assertion is about */
static void read_subject(struct script *s, const struct command_word *word,
                         struct script_command *c)
{
        size_t at = s->r.token.at;

        if (reader_is_open(&s->r, WORD_MODULE) &&
            (word->has_module || c->kind == SCRIPT_ASSERT_TRAP)) {
                reader_next(&s->r);
                reader_next(&s->r);
                if (c->kind == SCRIPT_ASSERT_TRAP)
                        c->kind = SCRIPT_ASSERT_UNINSTANTIABLE;
                read_module(s, at, c);
        } else if (!word->has_module && reader_accept_open(&s->r, WORD_INVOKE)) {
                read_action(s, false, &c->action);
        } else if (!word->has_module && reader_accept_open(&s->r, WORD_GET)) {
                read_action(s, true, &c->action);
        } else {
                reader_expect_open(&s->r, word->has_module ? WORD_MODULE : WORD_INVOKE);
        }
}

static void read_command(struct script *s, struct script_command *c)
{
        const struct command_word *word = NULL;
        size_t at = s->r.token.at;

        reader_next(&s->r);
        for (size_t i = 0; i < ELEMENTSOF(command_words); i++)
                if (reader_is_word(&s->r, command_words[i].word))
                        word = &command_words[i];
        if (!word) {
                reader_unexpected(&s->r);
                return;
        }
        reader_next(&s->r);
        c->kind = word->kind;
        switch (word->kind) {
        case SCRIPT_MODULE:
                read_module(s, at, c);
                return;
        case SCRIPT_ACTION:
                read_action(s, word->word == WORD_GET, &c->action);
                return;
        case SCRIPT_REGISTER:
                c->name = read_string(s);
                c->module.id = read_id(s);
                break;
        default:
                read_subject(s, word, c);
                if (word->has_results)
                        c->results = script_values(s, &c->nresults);
                if (word->has_text)
                        c->text = read_string(s).bytes;
                break;
        }
        reader_expect_close(&s->r);
}

/* Files with fields alone are one module. */
static bool is_bare_module(struct script *s)
{
        static const enum word fields[] = {
                WORD_TYPE,   WORD_REC,    WORD_IMPORT, WORD_FUNC, WORD_TABLE, WORD_MEMORY,
                WORD_GLOBAL, WORD_EXPORT, WORD_START,  WORD_ELEM, WORD_DATA,  WORD_TAG,
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (reader_is_open(&s->r, fields[i]))
                        return true;
        return false;
}

static void read_bare_module(struct script *s, struct script_command *c)
{
        struct token none = { 0 };
        struct reader fields = s->r;

        fields.err = &c->module.error;
        s->binary.size = 0;
        if (module_text_read(&fields, &none, &s->binary) >= 0 && !reader_is(&fields, TOKEN_END))
                reader_unexpected(&fields);
        c->kind = SCRIPT_MODULE;
        c->module.bytes = s->binary.bytes;
        c->module.size = s->binary.size;
        s->r.lexer.at = s->r.lexer.size;
        s->r.has_peek = false;
        reader_next(&s->r);
}

int script_open(const char *text, size_t size, struct script **ret, struct error *err)
{
        struct script *s;
        int r = text_check(text, size, err);

        if (r < 0)
                return r;
        s = calloc(1, sizeof(*s));
        if (!s)
                return error_set(err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE, "memory for a script");
        s->r.lexer = (struct lexer) { .text = text, .size = size };
        s->line = 1;
        *ret = s;
        return 0;
}

/* Lines are counted from command to command, so that the whole costs one pass. */
static uint32_t line_of(struct script *s, size_t at)
{
        for (; s->line_at < at; s->line_at++)
                s->line += s->r.lexer.text[s->line_at] == '\n';
        return s->line;
}

int script_next(struct script *s, struct script_command *ret, struct error *err)
{
        struct error own = { 0 };
        struct reader end;

        *ret = (struct script_command) { 0 };
        pool_free(s->pool);
        s->pool = pool_new(0);
        if (!s->pool)
                return error_set(err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE, "memory for a command");
        s->r.err = &own;
        s->r.failed = false;
        if (!s->began)
                reader_start(&s->r, s->r.lexer.text, s->r.lexer.size, 0, &own);
        s->began = true;
        if (reader_is(&s->r, TOKEN_END) && !s->r.failed)
                return 0;
        ret->at = s->r.token.at;
        ret->line = line_of(s, ret->at);
        end = s->r;
        if (is_bare_module(s)) {
                read_bare_module(s, ret);
        } else if (reader_is(&s->r, TOKEN_OPEN)) {
                read_command(s, ret);
        } else {
                reader_unexpected(&s->r);
        }
        if (!s->r.failed)
                return 1;
        if (err)
                *err = own;
        /* Go on behind the command, if it has an end. */
        end.err = NULL;
        if (reader_is(&end, TOKEN_OPEN))
                reader_skip_group(&end);
        else
                end.failed = true;
        s->r = end;
        if (end.failed)
                s->r.token = (struct token) { .kind = TOKEN_END, .at = s->r.lexer.size };
        return own.code;
}

void script_free(struct script *s)
{
        if (!s)
                return;
        pool_free(s->pool);
        buffer_done(&s->binary);
        buffer_done(&s->scratch);
        free(s->values);
        free(s);
}
