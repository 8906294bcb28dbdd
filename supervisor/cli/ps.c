/* ps.c - nacelle ps, nacelle status: what runs, and how a unit is. */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "supervisor/cli/remote.h"

struct ps {
        struct remote remote; /* first */
        bool all, units, json;
};

static int set_all(void *target, const char *value, struct error *err)
{
        ((struct ps *)target)->all = true;
        return 0;
}

static int set_units(void *target, const char *value, struct error *err)
{
        ((struct ps *)target)->units = true;
        return 0;
}

static int set_json(void *target, const char *value, struct error *err)
{
        ((struct ps *)target)->json = true;
        return 0;
}

static int print_json(struct json_object *o)
{
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        return 0;
}

/* What the modules of a guest, or of a unit's guests, import from: a line each, behind theirs. */
static void print_imports(struct json_object *o, const char *format)
{
        struct json_object *list = NULL;
        char memory[FORMAT_MAX], line[160];

        if (!json_object_object_get_ex(o, "imports", &list))
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                struct json_object *import = json_object_array_get_idx(list, i);

                snprintf(line, sizeof(line), "%s%s", format, field_text(import, "name"));
                printf("%-70s %8s", line, format_bytes((uint64_t)field_int(import, "memory"), memory));
                if (field_int(import, "denials"))
                        printf("  %" PRId64 " refused", field_int(import, "denials"));
                putchar('\n');
        }
}

static int print_guest(void *context, struct json_object *o)
{
        const struct ps *ps = context;
        const char *state = field_text(o, "state");
        char cell[24] = "-", guest[24] = "-", cpu[FORMAT_MAX], memory[FORMAT_MAX], since[FORMAT_MAX];

        if (!ps->all && (!strcmp(state, "down") || !strcmp(state, "failed")))
                return 0;
        if (ps->json)
                return print_json(o);
        if (field_int(o, "cell"))
                snprintf(cell, sizeof(cell), "%" PRId64, field_int(o, "cell"));
        if (field_int(o, "guest"))
                snprintf(guest, sizeof(guest), "%" PRId64, field_int(o, "guest"));
        printf("%-24s %8s %-9s %8s %-5s %9s %8s %4" PRId64 " %8s\n", field_text(o, "unit"), guest, state, cell,
               field_text(o, "code")[0] ? field_text(o, "code") : "-",
               format_cpu((uint64_t)field_int(o, "cpu_ns"), cpu),
               format_bytes((uint64_t)field_int(o, "memory"), memory), field_int(o, "restarts"),
               format_since((uint64_t)field_int(o, "since"), since));
        print_imports(o, "  imports ");
        return 0;
}

static int print_unit(void *context, struct json_object *o)
{
        const struct ps *ps = context;
        const char *reason = field_text(o, "reason"), *state = field_text(o, "state");
        bool bad = !strcmp(state, "failed") || !strcmp(state, "quarantined");
        char guests[32], cpu[FORMAT_MAX], memory[FORMAT_MAX], since[FORMAT_MAX];

        if (ps->json)
                return print_json(o);
        snprintf(guests, sizeof(guests), "%" PRId64 "/%" PRId64, field_int(o, "running"),
                 field_int(o, "guests"));
        printf("%-24s %-11s %9s %-5s %9s %8s %8s  %s\n", field_text(o, "name"), state, guests,
               field_text(o, "code")[0] ? field_text(o, "code") : "-",
               format_cpu((uint64_t)field_int(o, "cpu_ns"), cpu),
               format_bytes((uint64_t)field_int(o, "memory"), memory),
               format_since((uint64_t)field_int(o, "since"), since),
               bad ? reason : field_text(o, "description"));
        return 0;
}

static int list_units(struct ps *ps)
{
        if (!ps->json)
                printf("%-24s %-11s %9s %-5s %9s %8s %8s  %s\n", "UNIT", "STATE", "RUNNING", "CODE", "CPU", "MEMORY",
                       "SINCE", "DESCRIPTION");
        return remote_each(&ps->remote, "ListUnits", NULL, "units", print_unit, ps);
}

static int list_guests(struct ps *ps)
{
        if (!ps->json)
                printf("%-24s %8s %-9s %8s %-5s %9s %8s %4s %8s\n", "UNIT", "GUEST", "STATE", "CELL", "CODE", "CPU",
                       "MEMORY", "RST", "SINCE");
        return remote_each(&ps->remote, "ListGuests", object_of("unit", ps->remote.operands[0]), "guests",
                           print_guest, ps);
}

static int ps_main(const struct command *self, int argc, char **argv)
{
        struct ps ps = { 0 };
        int status = remote_begin(self, &ps, argc, argv);

        if (status == 0)
                status = ps.units ? list_units(&ps) : list_guests(&ps);
        remote_done(&ps.remote);
        return status;
}

static const struct option_row ps_options[] = {
        { "all", 'a', NULL, false, set_all, "also those that are down or failed" },
        { "units", 'u', NULL, false, set_units, "one line a unit instead of one a nanoprocess" },
        { "json", 0, NULL, false, set_json, "one JSON object a line" },
        REMOTE_OPTION_CONTROL,
        { 0 },
};

const struct command ps_command = {
        .name = "ps", .operands = "[UNIT]", .operands_max = 1, .main = ps_main, .options = ps_options,
        .text = "list the nanoprocesses of nacelled, or its units",
};

static void print_lines(struct json_object *lines)
{
        for (size_t i = 0; i < json_object_array_length(lines); i++)
                log_line_print(json_object_array_get_idx(lines, i), false);
}

/* What its guests run, what the next ones will, and how far the optimiser is. */
static void print_code(struct json_object *unit)
{
        static const char *const codes[] = { "fast", "mixed", "peak" };
        const char *optimiser = field_text(unit, "optimiser"), *next = field_text(unit, "code");
        unsigned n = 0;

        printf("    Code:");
        for (unsigned i = 0; i < ELEMENTSOF(codes); i++)
                if (field_int(unit, codes[i]))
                        printf("%s %" PRId64 " on %s", n++ ? "," : "", field_int(unit, codes[i]), codes[i]);
        printf("%s next on %s", n ? ";" : "", next[0] ? next : "-");
        if (field_int(unit, "optimised_percent"))
                printf("; optimiser: %s, %" PRId64 " %%", optimiser, field_int(unit, "optimised_percent"));
        else if (optimiser[0])
                printf("; optimiser: %s", optimiser);
        putchar('\n');
}

static int status_unit(struct ps *ps)
{
        struct json_object *o = NULL, *unit = NULL, *list = NULL;
        char cpu[FORMAT_MAX], memory[FORMAT_MAX], since[FORMAT_MAX];
        int status = remote_ask(&ps->remote, "Describe", object_of("unit", ps->remote.operands[0]), &o);
        bool active;

        if (status)
                return status;
        if (ps->json) {
                print_json(o);
                json_object_put(o);
                return 0;
        }
        json_object_object_get_ex(o, "unit", &unit);
        active = !strcmp(field_text(unit, "state"), "active");
        printf("%s%s%s\n", field_text(unit, "name"), field_text(unit, "description")[0] ? " - " : "",
               field_text(unit, "description"));
        printf("   State: %s since %s ago%s%s\n", field_text(unit, "state"),
               format_since((uint64_t)field_int(unit, "since"), since),
               field_text(unit, "reason")[0] && !active ? ": " : "", active ? "" : field_text(unit, "reason"));
        for (const char *file = field_text(o, "settings"); *file; file += strcspn(file, "\n"), file += *file == '\n')
                printf("    File: %.*s\n", (int)strcspn(file, "\n"), file);
        printf(" Running: %" PRId64 " of %" PRId64 ", %" PRId64 " restarts\n", field_int(unit, "running"),
               field_int(unit, "guests"), field_int(unit, "restarts"));
        printf("     CPU: %s\n  Memory: %s\n", format_cpu((uint64_t)field_int(unit, "cpu_ns"), cpu),
               format_bytes((uint64_t)field_int(unit, "memory"), memory));
        print_imports(unit, " Imports: ");
        print_code(unit);
        if (json_object_object_get_ex(o, "lines", &list) && json_object_array_length(list)) {
                putchar('\n');
                print_lines(list);
        }
        json_object_put(o);
        return active ? 0 : 3; /* as systemctl does */
}

static int print_cell(struct json_object *o)
{
        char since[FORMAT_MAX];
        const char *group = field_text(o, "group"), *missing = field_text(o, "missing");

        printf("%8" PRId64 " %-24s %7" PRId64 " %7" PRId64 " %8s  %s\n", field_int(o, "pid"),
               group[0] ? group : "(shared)", field_int(o, "guests"), field_int(o, "modules"),
               format_since((uint64_t)field_int(o, "since"), since), missing[0] ? missing : "none");
        return 0;
}

static int status_all(struct ps *ps)
{
        struct json_object *o = NULL, *cells = NULL;
        int status = remote_ask(&ps->remote, "Posture", NULL, &o);

        if (status)
                return status;
        if (ps->json) {
                print_json(o);
                json_object_put(o);
                return list_units(ps);
        }
        json_object_object_get_ex(o, "cells", &cells);
        printf("%8s %-24s %7s %7s %8s  %s\n", "CELL", "GROUP", "GUESTS", "MODULES", "SINCE", "LAYERS MISSING");
        for (size_t i = 0; i < json_object_array_length(cells); i++)
                print_cell(json_object_array_get_idx(cells, i));
        putchar('\n');
        json_object_put(o);
        return list_units(ps);
}

static int status_main(const struct command *self, int argc, char **argv)
{
        struct ps ps = { .all = true };
        int status = remote_begin(self, &ps, argc, argv);

        if (status == 0)
                status = ps.remote.n ? status_unit(&ps) : status_all(&ps);
        remote_done(&ps.remote);
        return status;
}

static const struct option_row status_options[] = {
        { "json", 0, NULL, false, set_json, "JSON objects instead of text" },
        REMOTE_OPTION_CONTROL,
        { 0 },
};

const struct command status_command = {
        .name = "status", .operands = "[UNIT]", .operands_max = 1, .main = status_main,
        .options = status_options, .text = "tell how a unit is, or nacelled with its cells and units",
};
