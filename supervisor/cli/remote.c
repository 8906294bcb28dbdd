/* remote.c - see remote.h. */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "supervisor/cli/remote.h"

int remote_set_control(void *target, const char *value, struct error *err)
{
        ((struct remote *)target)->control = value;
        return 0;
}

int remote_begin(const struct command *self, void *target, int argc, char **argv)
{
        struct remote *r = target;
        struct error err = { 0 };

        r->operands = calloc((size_t)argc + 1, sizeof(*r->operands));
        if (!r->operands)
                return STATUS_INTERNAL;
        if (options_parse(self, target, argc, argv, r->operands, &r->n, &err) < 0)
                return cli_fail(&err);
        if (client_open(r->control, &r->client, &err) < 0) {
                cli_fail(&err);
                return STATUS_UNAVAILABLE;
        }
        return 0;
}

void remote_done(struct remote *r)
{
        client_free(r->client);
        free(r->operands);
}

int remote_ask(struct remote *r, const char *method, struct json_object *parameters,
               struct json_object **ret)
{
        struct error err = { 0 };

        if (client_ask(r->client, method, parameters, ret, &err) >= 0)
                return 0;
        cli_fail(&err);
        return err.code == -EREMOTEIO ? 1 : STATUS_UNAVAILABLE;
}

int remote_each(struct remote *r, const char *method, struct json_object *parameters, const char *key,
                int (*row)(void *context, struct json_object *o), void *context)
{
        struct error err = { 0 };
        int more = client_call(r->client, method, parameters, true, &err), status = 0;

        for (more = more < 0 ? more : 1; more == 1 && status == 0;) {
                struct json_object *answer = NULL, *list = NULL;

                more = client_reply(r->client, &answer, &err);
                if (more < 0)
                        break;
                json_object_object_get_ex(answer, key, &list);
                for (size_t i = 0; json_object_is_type(list, json_type_array) &&
                                   i < json_object_array_length(list) && status == 0; i++)
                        status = row(context, json_object_array_get_idx(list, i));
                json_object_put(answer);
        }
        if (more >= 0)
                return status;
        cli_fail(&err);
        return err.code == -EREMOTEIO ? 1 : STATUS_UNAVAILABLE;
}

int64_t field_int(struct json_object *o, const char *key)
{
        struct json_object *value;

        return json_object_object_get_ex(o, key, &value) ? json_object_get_int64(value) : 0;
}

const char *field_text(struct json_object *o, const char *key)
{
        struct json_object *value;

        return json_object_object_get_ex(o, key, &value) && value ? json_object_get_string(value) : "";
}

struct json_object *object_of(const char *key, const char *value)
{
        struct json_object *o = json_object_new_object();

        if (value)
                json_object_object_add(o, key, json_object_new_string(value));
        return o;
}

char *format_bytes(uint64_t bytes, char *text)
{
        static const char units[] = "BKMGTP";
        double n = (double)bytes;
        unsigned unit = 0;

        for (; n >= 1000 && unit + 2 < sizeof(units); unit++)
                n /= 1024;
        if (unit == 0)
                snprintf(text, FORMAT_MAX, "%" PRIu64 "B", bytes);
        else
                snprintf(text, FORMAT_MAX, n < 10 ? "%.1f%c" : "%.0f%c", n, units[unit]);
        return text;
}

char *format_cpu(uint64_t ns, char *text)
{
        uint64_t s = ns / 1000000000u;

        if (s < 100)
                snprintf(text, FORMAT_MAX, "%.3fs", (double)ns / 1e9);
        else if (s < 6000)
                snprintf(text, FORMAT_MAX, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
        else
                snprintf(text, FORMAT_MAX, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
        return text;
}

char *format_since(uint64_t since_us, char *text)
{
        struct timespec t;
        uint64_t now, s;

        clock_gettime(CLOCK_REALTIME, &t);
        now = (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
        s = now > since_us ? (now - since_us) / 1000000u : 0;
        if (s < 60)
                snprintf(text, FORMAT_MAX, "%" PRIu64 "s", s);
        else if (s < 3600)
                snprintf(text, FORMAT_MAX, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
        else if (s < 86400)
                snprintf(text, FORMAT_MAX, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
        else
                snprintf(text, FORMAT_MAX, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
        return text;
}
