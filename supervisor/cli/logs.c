/* logs.c - nacelle logs: the last lines of units, and those that come. */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "supervisor/cli/remote.h"
#include "supervisor/cli/values.h"

struct logs {
        struct remote remote; /* first */
        bool follow, json;
        unsigned lines;
};

static int set_follow(void *target, const char *value, struct error *err)
{
        ((struct logs *)target)->follow = true;
        return 0;
}

static int set_json(void *target, const char *value, struct error *err)
{
        ((struct logs *)target)->json = true;
        return 0;
}

static int set_lines(void *target, const char *value, struct error *err)
{
        struct logs *l = target;

        l->lines = 0;
        return !strcmp(value, "0") ? 0 : parse_count(value, 1000, &l->lines, err);
}

void log_line_print(struct json_object *o, bool json)
{
        uint64_t us = (uint64_t)field_int(o, "time");
        time_t seconds = (time_t)(us / 1000000);
        char when[32], who[200];
        struct tm tm;

        if (json) {
                puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
                return;
        }
        localtime_r(&seconds, &tm);
        strftime(when, sizeof(when), "%b %d %H:%M:%S", &tm);
        if (field_int(o, "guest"))
                snprintf(who, sizeof(who), "%s[%" PRId64 "]", field_text(o, "unit"), field_int(o, "guest"));
        else
                snprintf(who, sizeof(who), "%s", field_text(o, "unit"));
        printf("%s.%03u %s%s %s\n", when, (unsigned)(us / 1000 % 1000), who,
               strcmp(field_text(o, "stream"), "event") ? ":" : " *", field_text(o, "text"));
}

static int print_line(void *context, struct json_object *o)
{
        const struct logs *l = context;

        log_line_print(o, l->json);
        if (l->follow && fflush(stdout) != 0)
                return STATUS_INTERNAL;
        return 0;
}

static int logs_main(const struct command *self, int argc, char **argv)
{
        struct logs l = { .lines = 100 };
        struct json_object *parameters;
        int status = remote_begin(self, &l, argc, argv);

        if (status == 0) {
                parameters = object_of("unit", l.remote.operands[0]);
                json_object_object_add(parameters, "lines", json_object_new_int((int)l.lines));
                json_object_object_add(parameters, "follow", json_object_new_boolean(l.follow));
                status = remote_each(&l.remote, "Logs", parameters, "lines", print_line, &l);
        }
        remote_done(&l.remote);
        return status;
}

static const struct option_row options[] = {
        { "follow", 'f', NULL, false, set_follow, "go on with what comes" },
        { "lines", 'n', "N", false, set_lines, "begin with the last N lines (default: 100, most: 1000)" },
        { "json", 0, NULL, false, set_json, "one JSON object a line" },
        REMOTE_OPTION_CONTROL,
        { 0 },
};

const struct command logs_command = {
        .name = "logs", .operands = "[UNIT]", .operands_max = 1, .main = logs_main, .options = options,
        .text = "show output and events of a unit, or of all",
};
