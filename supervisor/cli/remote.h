/* remote.h - what the commands share that ask nacelled.
 *
 * remote_begin - options and operands of a command whose target starts with struct remote, and the
 *   connection. Returns 0, or the exit status after telling what is wrong.
 * remote_ask - a call and its only answer. remote_each - a call with more, @row for each object in the
 *   list @key of the answers. Both return 0, or the exit status after telling.
 * format_* - "12.3M", "1.234s", "2d03h": short, for columns; the text is @text. */
#pragma once

#include "supervisor/cli/cli.h"
#include "supervisor/control/client.h"

#define STATUS_UNAVAILABLE 69 /* nacelled does not answer */

struct remote {
        const char *control;
        struct client *client;
        const char **operands;
        unsigned n;
};

int remote_set_control(void *target, const char *value, struct error *err);

#define REMOTE_OPTION_CONTROL \
        { "control", 0, "PATH", false, remote_set_control, \
          "nacelled's socket (default: that of the user's own daemon where one runs, else the system's)" }

int remote_begin(const struct command *self, void *target, int argc, char **argv);
void remote_done(struct remote *r);
int remote_ask(struct remote *r, const char *method, struct json_object *parameters,
               struct json_object **ret);
int remote_each(struct remote *r, const char *method, struct json_object *parameters, const char *key,
                int (*row)(void *context, struct json_object *o), void *context);

int64_t field_int(struct json_object *o, const char *key);
const char *field_text(struct json_object *o, const char *key);
struct json_object *object_of(const char *key, const char *value);

/* logs.c: one line of the log. */
void log_line_print(struct json_object *line, bool json);

#define FORMAT_MAX 24
char *format_bytes(uint64_t bytes, char *text);
char *format_cpu(uint64_t ns, char *text);
char *format_since(uint64_t since_us, char *text);
