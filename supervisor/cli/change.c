/* change.c - nacelle start, stop, restart, kill, reload, metrics: one question to nacelled each. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "supervisor/cli/remote.h"
#include "supervisor/cli/values.h"

struct change {
        struct remote remote; /* first */
        bool no_wait;
        unsigned guest;
};

static int set_no_wait(void *target, const char *value, struct error *err)
{
        ((struct change *)target)->no_wait = true;
        return 0;
}

static int set_guest(void *target, const char *value, struct error *err)
{
        return parse_count(value, UINT32_MAX, &((struct change *)target)->guest, err);
}

/* All are asked, also behind one that fails; the first failure is the exit status. */
static int ask_each(struct change *c, const char *method)
{
        int first = 0;

        for (unsigned i = 0; i < c->remote.n; i++) {
                struct json_object *o = object_of("unit", c->remote.operands[i]), *answer = NULL;
                int status;

                json_object_object_add(o, "wait", json_object_new_boolean(!c->no_wait));
                status = remote_ask(&c->remote, method, o, &answer);
                json_object_put(answer);
                first = first ? first : status;
        }
        return first;
}

static int change_main(const struct command *self, int argc, char **argv)
{
        struct change c = { 0 };
        char method[16];
        int status = remote_begin(self, &c, argc, argv);

        snprintf(method, sizeof(method), "%s", self->name);
        method[0] = (char)(method[0] - 'a' + 'A');
        if (status == 0)
                status = ask_each(&c, method);
        remote_done(&c.remote);
        return status;
}

static int kill_main(const struct command *self, int argc, char **argv)
{
        struct change c = { 0 };
        struct json_object *o, *answer = NULL;
        int status = remote_begin(self, &c, argc, argv);

        if (status == 0) {
                o = object_of("unit", c.remote.operands[0]);
                if (c.guest)
                        json_object_object_add(o, "guest", json_object_new_int64(c.guest));
                status = remote_ask(&c.remote, "Kill", o, &answer);
                json_object_put(answer);
        }
        remote_done(&c.remote);
        return status;
}

static int reload_main(const struct command *self, int argc, char **argv)
{
        struct change c = { 0 };
        struct json_object *answer = NULL, *errors = NULL;
        int status = remote_begin(self, &c, argc, argv);

        if (status == 0)
                status = remote_ask(&c.remote, "Reload", NULL, &answer);
        if (status == 0) {
                printf("%" PRId64 " new, %" PRId64 " changed, %" PRId64 " gone\n", field_int(answer, "added"),
                       field_int(answer, "changed"), field_int(answer, "removed"));
                json_object_object_get_ex(answer, "errors", &errors);
                for (size_t i = 0; i < json_object_array_length(errors); i++)
                        fprintf(stderr, "%s\n", json_object_get_string(json_object_array_get_idx(errors, i)));
                status = json_object_array_length(errors) ? STATUS_CONFIG : 0;
                json_object_put(answer);
        }
        remote_done(&c.remote);
        return status;
}

static int metrics_main(const struct command *self, int argc, char **argv)
{
        struct change c = { 0 };
        struct error err = { 0 };
        int status = remote_begin(self, &c, argc, argv), more = 0;

        if (status == 0)
                more = client_call(c.remote.client, "Metrics", NULL, true, &err);
        for (more = more < 0 ? more : 1; status == 0 && more == 1;) {
                struct json_object *answer = NULL;

                more = client_reply(c.remote.client, &answer, &err);
                fputs(field_text(answer, "text"), stdout);
                json_object_put(answer);
        }
        if (more < 0) {
                cli_fail(&err);
                status = STATUS_UNAVAILABLE;
        }
        remote_done(&c.remote);
        return status;
}

static const struct option_row change_options[] = {
        { "no-wait", 0, NULL, false, set_no_wait, "do not wait until it is done" },
        REMOTE_OPTION_CONTROL,
        { 0 },
};

static const struct option_row kill_options[] = {
        { "guest", 'g', "NUMBER", false, set_guest, "this nanoprocess alone" },
        REMOTE_OPTION_CONTROL,
        { 0 },
};

static const struct option_row plain_options[] = {
        REMOTE_OPTION_CONTROL,
        { 0 },
};

#define UNITS_MAX 10000

const struct command start_command = {
        .name = "start", .operands = "UNIT...", .operands_min = 1, .operands_max = UNITS_MAX,
        .main = change_main, .options = change_options, .text = "start units, and wait until they are up",
};

const struct command stop_command = {
        .name = "stop", .operands = "UNIT...", .operands_min = 1, .operands_max = UNITS_MAX,
        .main = change_main, .options = change_options, .text = "stop units, and those that require them",
};

const struct command restart_command = {
        .name = "restart", .operands = "UNIT...", .operands_min = 1, .operands_max = UNITS_MAX,
        .main = change_main, .options = change_options, .text = "stop units and start them again",
};

const struct command kill_command = {
        .name = "kill", .operands = "UNIT", .operands_min = 1, .operands_max = 1, .main = kill_main,
        .options = kill_options, .text = "end the nanoprocesses of a unit at once",
};

const struct command reload_command = {
        .name = "reload", .operands = "", .main = reload_main, .options = plain_options,
        .text = "have nacelled read its unit files again",
};

const struct command metrics_command = {
        .name = "metrics", .operands = "", .main = metrics_main, .options = plain_options,
        .text = "print nacelled's metrics as OpenMetrics text",
};
