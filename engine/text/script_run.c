#include "engine/text/script_run.h"

#include <stdarg.h>
#include <string.h>

#include "engine/base/pool.h"
#include "engine/text/symbols.h"

#define NOTHING UINT32_MAX
#define SHOWN   120 /* bytes of a value or a name in a line */

struct item { /* what a name of the script stands for */
        uint32_t module, instance;
};

struct runner {
        struct script_run *run;
        struct pool *pool;      /* names */
        struct symbols names;   /* -> index in items */
        struct item *items;
        uint32_t nitems, items_room;
        struct item current;
        bool current_skipped;   /* there is no current instance because its module was skipped */
        uint32_t nmodules, module_line;
        struct script_value *results;
};

_printf_(3, 4) static void fail(struct runner *r, const struct script_command *c,
                                const char *format, ...)
{
        va_list ap;

        fprintf(r->run->out, "%s:%u: %s: ", r->run->file, c->line, script_kind_text(c->kind));
        if (c->action.name.bytes)
                fprintf(r->run->out, "%s \"%.*s\": ", c->action.is_get ? "get" : "invoke",
                        c->action.name.size < SHOWN ? (int)c->action.name.size : SHOWN,
                        c->action.name.bytes);
        va_start(ap, format);
        vfprintf(r->run->out, format, ap);
        va_end(ap);
        if (c->action.name.bytes)
                fprintf(r->run->out, " [module %u, line %u]", r->nmodules, r->module_line);
        fputc('\n', r->run->out);
        r->run->failed++;
}

static void fail_error(struct runner *r, const struct script_command *c, const char *what,
                       const struct error *err)
{
        fail(r, c, "%s: %s: %s%s", what, stage_text(err->stage), err->text,
             err->code == -EOPNOTSUPP ? " (feature absent)" : "");
}

/* Names are kept as long as the run: the later one of the same name counts. */
static int name_put(struct runner *r, const struct script_name *name, struct item item)
{
        struct symbol *symbol;
        char *copy;

        if (!name->bytes)
                return 0;
        copy = pool_alloc(r->pool, name->size, 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, name->bytes, name->size);
        symbol = symbols_put(&r->names, copy, name->size);
        if (!symbol)
                return -ENOMEM;
        if (symbol->value == SYMBOL_NONE) {
                if (r->nitems == r->items_room) {
                        uint32_t room = r->items_room ? r->items_room * 2 : 16;
                        struct item *items = realloc(r->items, room * sizeof(*items));

                        if (!items)
                                return -ENOMEM;
                        r->items = items;
                        r->items_room = room;
                }
                symbol->value = r->nitems++;
        }
        r->items[symbol->value] = item;
        return 0;
}

static struct item name_find(const struct runner *r, const struct script_name *name)
{
        const struct symbol *symbol;

        if (!name->bytes)
                return r->current;
        symbol = symbols_find(&r->names, name->bytes, name->size);
        if (!symbol || symbol->value == SYMBOL_NONE)
                return (struct item) { NOTHING, NOTHING };
        return r->items[symbol->value];
}

static bool is_assertion(enum script_kind kind)
{
        return kind >= SCRIPT_ASSERT_RETURN;
}

/* Does @path end with the whole parts @name? A proposal's script often has the name of one of the
 * standard, so it is named with its folder. */
static bool is_file(const char *path, const char *name)
{
        size_t size = strlen(path), n = strlen(name);

        if (size < n || strcmp(path + size - n, name) || (size > n && path[size - n - 1] != '/'))
                return false;
        return strchr(name, '/') || !strstr(path, "/proposals/");
}

static bool is_skipped(const struct script_run *run, uint32_t line)
{
        for (size_t i = 0; i < run->nskips; i++) {
                const struct script_skip *s = &run->skips[i];

                if (is_file(run->file, s->file) && (!s->last || (line >= s->first && line <= s->last)))
                        return true;
        }
        return false;
}

/* The module's bytes through the host's stages. */
static int load(struct runner *r, const struct script_command *c, uint32_t *ret, struct error *err)
{
        const struct script_module *module = &c->module;

        r->nmodules++;
        r->module_line = c->line;
        if (module->error.code < 0) {
                *err = module->error;
                return err->code;
        }
        if (r->run->seen)
                r->run->seen(r->run->context, r->nmodules, c->line, module->bytes, module->size);
        return r->run->table->load(r->run->host, module->bytes, module->size, ret, err);
}

static int instantiate(struct runner *r, const struct script_command *c, struct item *item)
{
        struct script_stop stop = { 0 };
        struct error err = { 0 };
        int e;

        r->current = (struct item) { item->module, NOTHING };
        r->current_skipped = !r->run->table->instantiate;
        if (!r->run->table->instantiate)
                return name_put(r, &c->module.id, r->current);
        e = r->run->table->instantiate(r->run->host, item->module, &item->instance, &stop, &err);
        if (e == -ENOMEM)
                return e;
        if (e < 0 && stop.trapped)
                fail(r, c, "instantiation trapped: %s", stop.text);
        else if (e < 0)
                fail_error(r, c, "instantiation", &err);
        else
                r->current = *item;
        return name_put(r, &c->module.id, r->current);
}

static int run_module(struct runner *r, const struct script_command *c)
{
        struct item item = { NOTHING, NOTHING };
        struct error err = { 0 };

        if (c->kind == SCRIPT_INSTANCE) {
                item = name_find(r, &c->module.source);
                if (item.module == NOTHING) {
                        fail(r, c, "unknown module");
                        return 0;
                }
                return instantiate(r, c, &item);
        }
        r->current = item;
        r->current_skipped = false;
        if (load(r, c, &item.module, &err) < 0) {
                fail_error(r, c, "module", &err);
                return name_put(r, &c->module.id, item);
        }
        if (!c->module.is_definition)
                return instantiate(r, c, &item);
        r->current = item;
        return name_put(r, &c->module.id, item);
}

/* Why there is no instance; true when the command was counted. */
static bool lacks_instance(struct runner *r, const struct script_command *c, const struct item *item)
{
        if (item->instance != NOTHING)
                return false;
        if (!r->run->table->instantiate) {
                r->run->skipped += is_assertion(c->kind);
                return true;
        }
        fail(r, c, r->current_skipped ? "its module was skipped, so this must be, too"
                                      : "there is no such instance");
        return true;
}

static void run_register(struct runner *r, const struct script_command *c)
{
        struct item item = name_find(r, &c->module.id);
        struct error err = { 0 };

        if (lacks_instance(r, c, &item))
                return;
        if (r->run->table->enroll(r->run->host, &c->name, item.instance, &err) < 0)
                fail_error(r, c, "register", &err);
}

/* 0 and results, -EFAULT and a trap, or another error. */
static int act(struct runner *r, const struct script_command *c, const struct item *item,
               uint32_t *ret_n, struct script_stop *stop, struct error *err)
{
        const struct script_action *a = &c->action;

        if (a->is_get) {
                *ret_n = 1;
                return r->run->table->get(r->run->host, item->instance, &a->name, r->results, err);
        }
        return r->run->table->invoke(r->run->host, item->instance, &a->name, a->args, a->nargs,
                                     r->results, ret_n, stop, err);
}

static void fail_results(struct runner *r, const struct script_command *c, uint32_t n)
{
        char want[SHOWN * 2], got[SHOWN * 2];

        if (n != c->nresults) {
                fail(r, c, "expected %u results, got %u", c->nresults, n);
                return;
        }
        for (uint32_t i = 0; i < n; i++) {
                if (script_value_matches(&c->results[i], &r->results[i]))
                        continue;
                r->results[i].lanes = c->results[i].lanes;
                r->results[i].lane_bits = c->results[i].lane_bits;
                r->results[i].lanes_are_float = c->results[i].lanes_are_float;
                fail(r, c, "result %u: expected %s, got %s", i,
                     script_value_text(&c->results[i], want, sizeof(want)),
                     script_value_text(&r->results[i], got, sizeof(got)));
                return;
        }
}

static bool results_match(const struct runner *r, const struct script_command *c, uint32_t n)
{
        if (n != c->nresults)
                return false;
        for (uint32_t i = 0; i < n; i++)
                if (!script_value_matches(&c->results[i], &r->results[i]))
                        return false;
        return true;
}

/* A few of the script's texts go on with a stack as the reference interpreter shows it. */
static const char *without_stack(const char *want)
{
        static const char *const stacks[] = { "type mismatch: instruction requires",
                                              "type mismatch: block requires" };

        for (size_t i = 0; i < ELEMENTSOF(stacks); i++)
                if (!strncmp(want, stacks[i], strlen(stacks[i])))
                        return "type mismatch";
        return want;
}

/* The script's texts are what a message must mention; a trap may also say less than the script. */
static bool mentions(const char *text, const char *want)
{
        return !want || strstr(text, want) || (*text && !strncmp(want, text, strlen(text)));
}

static void run_action(struct runner *r, const struct script_command *c)
{
        struct item item = name_find(r, &c->action.module);
        struct script_stop stop = { 0 };
        struct error err = { 0 };
        uint32_t n = 0;
        int e;

        if (lacks_instance(r, c, &item))
                return;
        e = act(r, c, &item, &n, &stop, &err);
        if (e < 0 && !stop.trapped) {
                fail_error(r, c, "not run", &err);
        } else if (c->kind == SCRIPT_ACTION || c->kind == SCRIPT_ASSERT_RETURN) {
                if (e < 0)
                        fail(r, c, "trapped: %s", stop.text);
                else if (c->kind == SCRIPT_ASSERT_RETURN && !results_match(r, c, n))
                        fail_results(r, c, n);
                else
                        r->run->passed += is_assertion(c->kind);
        } else if (c->kind == SCRIPT_ASSERT_TRAP || c->kind == SCRIPT_ASSERT_EXHAUSTION) {
                if (e >= 0)
                        fail(r, c, "expected trap \"%s\", but it returned", c->text);
                else if (!mentions(stop.text, c->text))
                        fail(r, c, "expected trap \"%s\", got \"%s\"", c->text, stop.text);
                else
                        r->run->passed++;
        } else if (c->kind == SCRIPT_ASSERT_EXCEPTION) {
                if (e >= 0)
                        fail(r, c, "expected an exception, but it returned");
                else if (!mentions(stop.text, "uncaught exception"))
                        fail(r, c, "expected an exception, got \"%s\"", stop.text);
                else
                        r->run->passed++;
        } else {
                fail(r, c, "no such effect in this host");
        }
}

/* assert_malformed and assert_invalid: the module must be refused for the reason given. Of custom sections
 * only the text can be wrong: in the binary format they are ignored then (7.4.1). */
static void run_refusal(struct runner *r, const struct script_command *c)
{
        struct error err = { 0 };
        uint32_t module;
        int e = load(r, c, &module, &err);

        if (e >= 0)
                fail(r, c, "expected \"%s\", but the module was accepted", c->text);
        else if (e != -EBADMSG && e != -E2BIG)
                fail_error(r, c, "refused for another reason", &err);
        else if (c->kind == SCRIPT_ASSERT_INVALID && err.stage == STAGE_TEXT)
                fail_error(r, c, "must be readable", &err);
        else if (!strstr(err.text, without_stack(c->text)))
                fail(r, c, "expected \"%s\", got \"%s\" (%s)", c->text, err.text,
                     stage_text(err.stage));
        else
                r->run->passed++;
}

static int run_unlinkable(struct runner *r, const struct script_command *c)
{
        bool must_trap = c->kind == SCRIPT_ASSERT_UNINSTANTIABLE;
        struct script_stop stop = { 0 };
        struct error err = { 0 };
        uint32_t module, instance;
        int e = load(r, c, &module, &err);

        if (e < 0) {
                fail_error(r, c, "module", &err);
                return 0;
        }
        if (!r->run->table->instantiate) {
                r->run->skipped++;
                return 0;
        }
        e = r->run->table->instantiate(r->run->host, module, &instance, &stop, &err);
        if (e == -ENOMEM)
                return e;
        if (e >= 0)
                fail(r, c, "expected \"%s\", but it was instantiated", c->text);
        else if (stop.trapped != must_trap)
                fail(r, c, "expected \"%s\", got %s \"%s\"", c->text, stop.trapped ? "trap" : "error",
                     stop.trapped ? stop.text : err.text);
        else if (!mentions(stop.trapped ? stop.text : err.text, c->text))
                fail(r, c, "expected \"%s\", got \"%s\"", c->text,
                     stop.trapped ? stop.text : err.text);
        else
                r->run->passed++;
        return 0;
}

static int run_command(struct runner *r, const struct script_command *c)
{
        switch (c->kind) {
        case SCRIPT_MODULE:
        case SCRIPT_INSTANCE:
                return run_module(r, c);
        case SCRIPT_REGISTER:
                run_register(r, c);
                return 0;
        case SCRIPT_ASSERT_MALFORMED:
        case SCRIPT_ASSERT_INVALID:
        case SCRIPT_ASSERT_MALFORMED_CUSTOM:
        case SCRIPT_ASSERT_INVALID_CUSTOM:
                run_refusal(r, c);
                return 0;
        case SCRIPT_ASSERT_UNLINKABLE:
        case SCRIPT_ASSERT_UNINSTANTIABLE:
                return run_unlinkable(r, c);
        default:
                run_action(r, c);
                return 0;
        }
}

static void skip_command(struct runner *r, const struct script_command *c)
{
        r->run->skipped += is_assertion(c->kind);
        if (c->kind != SCRIPT_MODULE && c->kind != SCRIPT_INSTANCE)
                return;
        r->nmodules += c->kind == SCRIPT_MODULE;
        r->current = (struct item) { NOTHING, NOTHING };
        r->current_skipped = true;
}

static int run_all(struct runner *r, struct script *script, struct error *err)
{
        for (;;) {
                struct script_command c;
                struct error own = { 0 };
                int e = script_next(script, &c, &own);

                if (!e)
                        return 0;
                if (e == -ENOMEM)
                        break;
                if (is_skipped(r->run, c.line))
                        skip_command(r, &c);
                else if (e < 0)
                        fail_error(r, &c, "not understood", &own);
                else if (run_command(r, &c) < 0)
                        break;
        }
        return error_set(err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE, "%s: memory", r->run->file);
}

int script_run(struct script_run *run, const char *text, size_t size, struct error *err)
{
        _cleanup_(script_freep) struct script *script = NULL;
        struct runner r = { .run = run, .current = { NOTHING, NOTHING } };
        int e = script_open(text, size, &script, err);

        if (e == -EBADMSG) {
                fprintf(run->out, "%s: %s\n", run->file, err ? err->text : "not readable");
                run->failed++;
                return 0;
        }
        if (e < 0)
                return e;
        r.pool = pool_new(0);
        r.results = calloc(SCRIPT_RESULTS_MAX, sizeof(*r.results));
        if (r.pool && r.results)
                e = run_all(&r, script, err);
        else
                e = error_set(err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE, "memory to run a script");
        pool_free(r.pool);
        symbols_done(&r.names);
        free(r.items);
        free(r.results);
        return e;
}
