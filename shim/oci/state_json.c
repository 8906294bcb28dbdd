/* state_json.c - see state_json.h. */
#include "config.h"

#include <pwd.h>
#include <string.h>

#include "shim/oci/oci.h"
#include "shim/oci/state_json.h"

#define DEPTH_MAX 4

static inline void json_putp(struct json_object **o)
{
        json_object_put(*o);
}

static void add(struct json_object *to, const char *name, struct json_object *value)
{
        json_object_object_add(to, name, value);
}

static struct json_object *annotations_of(const struct oci_state *s)
{
        return s->annotations ? json_tokener_parse(s->annotations) : NULL;
}

int oci_state_print(const struct oci_state *s, char **ret)
{
        _cleanup_(json_putp) struct json_object *o = json_object_new_object();

        add(o, "id", json_object_new_string(s->id));
        add(o, "bundle", json_object_new_string(s->bundle));
        add(o, "created", json_object_new_string(s->created));
        add(o, "owner", json_object_new_int64(s->owner));
        add(o, "pid", json_object_new_int64(s->process.pid));
        add(o, "start", json_object_new_int64((int64_t)s->process.start));
        if (s->annotations)
                add(o, "annotations", annotations_of(s));
        *ret = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        return *ret ? 0 : -ENOMEM;
}

static int take_text(struct json_object *o, const char *name, char **ret)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, name, &value) || !json_object_is_type(value, json_type_string))
                return -EBADMSG;
        *ret = strdup(json_object_get_string(value));
        return *ret ? 0 : -ENOMEM;
}

static int take_number(struct json_object *o, const char *name, int64_t most, int64_t *ret)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, name, &value) || !json_object_is_type(value, json_type_int))
                return -EBADMSG;
        *ret = json_object_get_int64(value);
        return *ret < 0 || *ret > most ? -EBADMSG : 0;
}

static int take_annotations(struct json_object *o, char **ret)
{
        struct json_object *value;

        if (!json_object_object_get_ex(o, "annotations", &value))
                return 0;
        if (!json_object_is_type(value, json_type_object))
                return -EBADMSG;
        *ret = strdup(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
        return *ret ? 0 : -ENOMEM;
}

int oci_state_parse(const char *text, size_t n, struct oci_state *ret, struct error *err)
{
        struct json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
        _cleanup_(json_putp) struct json_object *o = t ? json_tokener_parse_ex(t, text, (int)n) : NULL;
        int64_t owner = 0, pid = 0, start = 0;
        int r = json_object_is_type(o, json_type_object) ? 0 : -EBADMSG;

        if (t)
                json_tokener_free(t);
        if (r >= 0)
                r = take_text(o, "id", &ret->id);
        if (r >= 0)
                r = take_text(o, "bundle", &ret->bundle);
        if (r >= 0)
                r = take_text(o, "created", &ret->created);
        if (r >= 0)
                r = take_number(o, "owner", UINT32_MAX, &owner);
        if (r >= 0)
                r = take_number(o, "pid", INT32_MAX, &pid);
        if (r >= 0)
                r = take_number(o, "start", INT64_MAX, &start);
        if (r >= 0)
                r = take_annotations(o, &ret->annotations);
        if (r < 0)
                return error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "cannot be read: %s", strerror(-r));
        ret->owner = (uid_t)owner;
        ret->process = (struct oci_process) { (pid_t)pid, (uint64_t)start };
        return 0;
}

struct json_object *oci_state_show(const struct oci_state *s)
{
        enum oci_status status = oci_state_status(s);
        const struct passwd *pw = getpwuid(s->owner);
        struct json_object *o = json_object_new_object();

        add(o, "ociVersion", json_object_new_string(OCI_VERSION));
        add(o, "id", json_object_new_string(s->id));
        add(o, "pid", json_object_new_int64(status == OCI_STOPPED ? 0 : s->process.pid));
        add(o, "status", json_object_new_string(oci_status_text(status)));
        add(o, "bundle", json_object_new_string(s->bundle));
        add(o, "created", json_object_new_string(s->created));
        add(o, "annotations", s->annotations ? annotations_of(s) : json_object_new_object());
        add(o, "owner", json_object_new_string(pw ? pw->pw_name : ""));
        return o;
}
