/* explain.c - nacelle explain: what a unit's keys are worth, layer by layer; or what a record of a refusal
 * means. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "policy/explain.h"
#include "policy/number.h"
#include "policy/policy.h"
#include "policy/unit.h"
#include "supervisor/cli/cli.h"

#define RECORD_BYTES_MAX 65536

static const struct option_row options[] = { { 0 } };

static void print_key(const struct key *key)
{
        unsigned n;
        const struct enforcer *e = key_enforcers(key->kind, &n);
        char text[512];

        printf("\n%s: %s%s\n", key->name, key_text(key, text, sizeof(text)),
               key->implied ? " (every guest has it)" : "");
        for (unsigned i = 0; i < n; i++)
                printf("  %-11s %s (%s)\n", e[i].layer, e[i].stops, e[i].drill);
        printf("  %-11s %s\n", "remains", key_remains(key->kind));
}

static void print_limits(const struct unit_limits *l)
{
        char text[32];
        const struct {
                const char *name;
                uint64_t value;
                char *(*text)(uint64_t, char *, size_t);
        } rows[] = {
                { "memory", l->memory_max, number_size_text },
                { "host memory", l->host_memory_max, number_size_text },
                { "processor time", l->cpu_time_max_ns, number_duration_text },
                { "log a second", l->log_rate_max, number_size_text },
        };

        puts("\nLimits:");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                printf("  %-15s %s\n", rows[i].name,
                       rows[i].value ? rows[i].text(rows[i].value, text, sizeof(text)) : "none of the unit's");
        if (l->cpu_quota)
                printf("  %-15s %" PRIu64 "%% of one\n", "processors", l->cpu_quota);
        else
                printf("  %-15s weight %" PRIu64 ", no quota\n", "processors", l->cpu_weight);
        printf("  %-15s %" PRIu64 "\n", "open files", l->files_max);
}

static void print_imports(const struct unit *u)
{
        char text[512], was[512], size[32];

        for (unsigned i = 0; i < u->nimports; i++) {
                const struct unit_import *import = &u->imports[i];

                printf("\nImport %s (%s), a nanoprocess of its own with %s of memory, is handed%s\n", import->name,
                       import->module, import->memory_max ? number_size_text(import->memory_max, size, sizeof(size))
                                                          : "no limit",
                       import->nkeys ? ":" : " no key of the unit.");
                for (unsigned k = 0; k < import->nkeys; k++) {
                        const struct narrowed_key *key = &import->keys[k];
                        bool less = !key_contains(&key->key, key->from);

                        printf("  %s: %s", key->key.name, key_text(&key->key, text, sizeof(text)));
                        if (less)
                                printf("; the unit has: %s", key_text(key->from, was, sizeof(was)));
                        putchar('\n');
                }
                for (unsigned k = 0; k < i; k++)
                        if (import->sees >> k & 1)
                                printf("  it may import from %s\n", u->imports[k].name);
                puts(import->unkeyed == UNKEYED_DENY
                             ? "  when its module asks for what no key serves, it is started and its calls are denied"
                             : "  when its module asks for what no key serves, the unit is not started");
                puts("  between the two only functions cross, with numbers: no memory, no reference");
        }
}

static void print_unit(const struct unit *u)
{
        static const char *const isolation[] = {
                [ISOLATION_SHARED] = ("one cell with any other unit: bugs of the compiler and of the run-time system are what "
                                      "could join them, and time is not separated (Spectre)"),
                [ISOLATION_GROUP] = "one cell with the units of its group alone",
                [ISOLATION_CELL] = "a cell of its own",
        };

        printf("%s%s%s\n", u->name, u->description ? ": " : "", u->description ? u->description : "");
        printf("Module: %s%s%s\n", u->module, u->digest.given ? ", with the digest of the unit alone" : "",
               u->module_key ? ", signed by the unit's key alone" : "");
        if (!u->digest.given && !u->module_key)
                puts("  Whoever can write that file decides what runs: ModuleDigest or ModuleKey would pin it.");
        printf("Isolation: %s\n", isolation[u->isolation]);
        for (unsigned i = 0; i < u->nkeys; i++)
                print_key(&u->keys[i]);
        print_imports(u);
        print_limits(&u->limits);
        puts("\nWhatever no key opens is denied. nacelle posture tells whether this kernel has every layer.");
}

static void print_problem(void *context, const char *path, unsigned line, unsigned column, const char *text)
{
        ++*(unsigned *)context;
        fprintf(stderr, "%s:%u:%u: %s\n", path, line, column, text);
}

/* Of the daemon that `nacelle ps` would ask: the user's own comes before the system's. */
static unsigned directories(const char *ret[static 2 * UNIT_DIRECTORIES_MAX])
{
        unsigned n = geteuid() != 0 ? unit_directories(true, ret) : 0;

        return n + unit_directories(false, ret + n);
}

static int explain_unit(const char *what)
{
        const char *where[2 * UNIT_DIRECTORIES_MAX];
        _cleanup_(unit_freep) struct unit *u = NULL;
        unsigned n = 0;
        const struct unit_problems problems = { print_problem, &n };
        struct error err = { 0 };
        int r = strchr(what, '/') || strstr(what, UNIT_SUFFIX)
                        ? unit_read(what, &problems, &u, &err)
                        : unit_load(where, directories(where), what, &problems, &u, &err);

        if (r < 0)
                return n ? STATUS_CONFIG : cli_fail(&err);
        print_unit(u);
        return 0;
}

/* The fields of a record that are explained. */
struct record {
        char layer[32], op[64], message[512], unit[UNIT_NAME_MAX + 1];
};

static void take(struct record *r, const char *name, const char *value)
{
        const struct {
                const char *name;
                char *to;
                size_t size;
        } fields[] = {
                { "NACELLE_LAYER", r->layer, sizeof(r->layer) }, { "NACELLE_OP", r->op, sizeof(r->op) },
                { "NACELLE_UNIT", r->unit, sizeof(r->unit) },    { "MESSAGE", r->message, sizeof(r->message) },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (strcmp(fields[i].name, name) == 0) {
                        snprintf(fields[i].to, fields[i].size, "%s", value);
                        for (char *c = fields[i].to; *c; c++)
                                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                                        *c = '?';
                }
}

/* As journalctl -o json writes it. */
static bool take_json(struct record *r, const char *text)
{
        struct json_object *o = json_tokener_parse(text);

        if (!o || !json_object_is_type(o, json_type_object)) {
                json_object_put(o);
                return false;
        }
        json_object_object_foreach(o, name, value)
                if (json_object_is_type(value, json_type_string))
                        take(r, name, json_object_get_string(value));
        json_object_put(o);
        return true;
}

/* As journalctl -o export, or -o verbose, writes it: NAME=VALUE, one a line. */
static void take_lines(struct record *r, char *text)
{
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                char *equals;

                line += strspn(line, " \t");
                equals = strchr(line, '=');
                if (!equals)
                        continue;
                *equals = '\0';
                take(r, line, equals + 1);
        }
}

/* A message alone, such as what nacelle run prints: the broker's words have the layer in them. */
static void take_message(struct record *r)
{
        static const struct {
                const char *words, *layer;
        } rows[] = {
                { "killed by seccomp", "seccomp" },        { "trap", "trap" },
                { "no such message", "broker" },           { "message ", "broker" },
                { "path request:", "broker" },             { "denied by host call", "hostcall" },
                { "denied by", "limit" },
        };
        const char *call = strstr(r->message, "it called ");

        for (size_t i = 0; i < ELEMENTSOF(rows) && !r->layer[0]; i++)
                if (strstr(r->message, rows[i].words))
                        snprintf(r->layer, sizeof(r->layer), "%s", rows[i].layer);
        if (call && !r->op[0])
                snprintf(r->op, sizeof(r->op), "%.*s", (int)strspn(call + 10, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         call + 10);
}

static int explain_record(char *text)
{
        char rule[DENIAL_RULE_MAX], hint[DENIAL_HINT_MAX];
        struct record r = { 0 };
        struct error err = { 0 };

        if (!take_json(&r, text)) {
                if (strstr(text, "NACELLE_") || strstr(text, "MESSAGE="))
                        take_lines(&r, text);
                else
                        take(&r, "MESSAGE", text);
        }
        take_message(&r);
        if (!denial_explain(r.layer, r.op, rule, hint)) {
                error_set(&err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "this is no record of a refusal");
                return cli_fail(&err);
        }
        if (r.unit[0])
                printf("Unit: %s\n", r.unit);
        printf("Layer: %s%s%s\nVerdict: %s\n", r.layer, r.op[0] ? ", of " : "", r.op, denial_verdict(r.layer));
        if (rule[0])
                printf("Row: %s\n", rule);
        if (r.message[0])
                printf("Said: %s\n", r.message);
        printf("%s\n", hint);
        return 0;
}

static int read_record(int fd, char text[static RECORD_BYTES_MAX + 1])
{
        size_t n = 0;
        ssize_t r;

        while (n < RECORD_BYTES_MAX && (r = read(fd, text + n, RECORD_BYTES_MAX - n)) != 0) {
                if (r < 0)
                        return -errno;
                n += (size_t)r;
        }
        text[n] = '\0';
        if (strlen(text) != n) /* a NUL: no text */
                return -EBADMSG;
        return 0;
}

static int explain_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_free_ char *text = malloc(RECORD_BYTES_MAX + 1);
        struct error err = { 0 };
        unsigned n;
        int r;

        if (!operands || !text)
                return STATUS_INTERNAL;
        if (options_parse(self, NULL, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        if (strcmp(operands[0], "-") == 0) {
                r = read_record(STDIN_FILENO, text);
                if (r < 0) {
                        error_set(&err, STAGE_USAGE, r, ERROR_NOWHERE, "standard input: %s", strerror(-r));
                        return cli_fail(&err);
                }
                return explain_record(text);
        }
        if (strchr(operands[0], ' ') || strchr(operands[0], '=') || operands[0][0] == '{') {
                snprintf(text, RECORD_BYTES_MAX, "%s", operands[0]);
                return explain_record(text);
        }
        return explain_unit(operands[0]);
}

const struct command explain_command = {
        .name = "explain",
        .operands = "UNIT | RECORD | -",
        .operands_min = 1,
        .operands_max = 1,
        .main = explain_main,
        .text = "tell what enforces each key of a unit and what remains, or what a record of a refusal means",
        .options = options,
};
