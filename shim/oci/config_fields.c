/* config_fields.c - see config_fields.h. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "shim/oci/config_fields.h"
#include "shim/oci/plan.h"

#define oci_check_none NULL

const struct field oci_fields[] = {
#define FIELD(path, type, bound, verdict, check, why) { path, FIELD_##type, bound, VERDICT_##verdict, oci_check_##check, why },
#include "shim/oci/fields.def"
};
const unsigned oci_nfields = ELEMENTSOF(oci_fields);

const struct word oci_words[] = {
#define WORD(list, text, verdict, why) { WORD_##list, text, VERDICT_##verdict, why },
#include "shim/oci/config_words.def"
};
const unsigned oci_nwords = ELEMENTSOF(oci_words);

const struct place oci_places[] = {
#define PLACE(destination, type, verdict, why) { destination, type, VERDICT_##verdict, why },
#include "shim/oci/config_places.def"
};
const unsigned oci_nplaces = ELEMENTSOF(oci_places);

struct frame {
        const struct field *row;
        struct json_object *value;
        struct lh_entry *next;   /* of an object */
        size_t index;            /* of an array */
        size_t path_bytes;       /* without its members' */
        const char *name;        /* of a member of a map */
};

struct walk {
        const struct oci_json *json;
        struct error *err;
        struct frame frames[OCI_CONFIG_DEPTH_MAX];
        unsigned depth;
        char path[2048];         /* of the value that is looked at; what is longer is cut */
};

static const char *const type_texts[] = {
        [FIELD_OBJECT] = "an object", [FIELD_MAP] = "an object", [FIELD_ARRAY] = "an array", [FIELD_STRING] = "a string",
        [FIELD_BOOL] = "true or false", [FIELD_INT] = "a whole number", [FIELD_UINT] = "a whole number, not negative",
};

const struct word *word_find(enum word_list list, const char *text, size_t n)
{
        for (unsigned i = 0; i < oci_nwords; i++)
                if (oci_words[i].list == list && strlen(oci_words[i].text) == n && memcmp(oci_words[i].text, text, n) == 0)
                        return &oci_words[i];
        return NULL;
}

const struct place *place_find(const char *type, const char *destination)
{
        for (unsigned i = 0; i < oci_nplaces; i++)
                if (strcmp(oci_places[i].destination, destination) == 0 && strcmp(oci_places[i].type, type) == 0)
                        return &oci_places[i];
        return NULL;
}

struct json_object *member(struct json_object *o, const char *name)
{
        struct json_object *value = NULL;

        return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, name, &value) ? value : NULL;
}

const char *text_member(struct json_object *o, const char *name)
{
        struct json_object *value = member(o, name);

        return value ? json_object_get_string(value) : NULL;
}

struct json_object *member_at(struct json_object *o, const char *path)
{
        char name[64];

        while (o && *path) {
                size_t n = strcspn(path, ".");

                snprintf(name, sizeof(name), "%.*s", (int)n, path);
                o = member(o, name);
                path += n + (path[n] == '.');
        }
        return o;
}

/* The row of the member @name of @of's value; name NULL: of an element. Rows of a value's members stand behind its own. */
static const struct field *row_of(const struct field *of, const char *name)
{
        size_t n = strlen(of->path);

        /* The path of something deeper is the name of nothing here. */
        if (name && of->type == FIELD_OBJECT && name[strcspn(name, ".[")])
                return NULL;
        for (const struct field *f = of + 1; f < oci_fields + oci_nfields && strncmp(f->path, of->path, n) == 0; f++) {
                const char *rest = f->path + n;

                if (!name) {
                        if (strcmp(rest, "[]") == 0)
                                return f;
                        continue;
                }
                if (n && *rest++ != '.')
                        continue;
                if (strcmp(rest, of->type == FIELD_MAP ? "*" : name) == 0)
                        return f;
        }
        return NULL;
}

static bool is_of(struct json_object *v, enum field_type type)
{
        switch (type) {
        case FIELD_OBJECT:
        case FIELD_MAP:
                return json_object_is_type(v, json_type_object);
        case FIELD_ARRAY:
                return json_object_is_type(v, json_type_array);
        case FIELD_STRING:
                return json_object_is_type(v, json_type_string);
        case FIELD_BOOL:
                return json_object_is_type(v, json_type_boolean);
        case FIELD_INT:
                /* What is greater than json-c's signed number is read as the greatest. */
                return json_object_is_type(v, json_type_int) && json_object_get_uint64(v) <= INT64_MAX;
        case FIELD_UINT:
                return json_object_is_type(v, json_type_int) && json_object_get_int64(v) >= 0;
        }
        return false;
}

static uint64_t amount(struct json_object *v, enum field_type type)
{
        int64_t i;

        switch (type) {
        case FIELD_OBJECT:
        case FIELD_MAP:
                return (uint64_t)json_object_object_length(v);
        case FIELD_ARRAY:
                return json_object_array_length(v);
        case FIELD_STRING:
                return (uint64_t)json_object_get_string_len(v);
        case FIELD_BOOL:
                return json_object_get_boolean(v);
        case FIELD_INT:
                i = json_object_get_int64(v);
                return i < 0 ? -(uint64_t)i : (uint64_t)i;
        case FIELD_UINT:
                return json_object_get_uint64(v);
        }
        return UINT64_MAX;
}

static int check_bound(struct walk *w, const struct field *row, uint64_t n)
{
        if (!row->bound || row->type == FIELD_OBJECT || n <= row->bound)
                return 0;
        switch (row->type) {
        case FIELD_STRING:
                return oci_json_error(w->json, w->err, -E2BIG, w->path, "is longer than %" PRIu64 " bytes", row->bound);
        case FIELD_ARRAY:
        case FIELD_MAP:
                return oci_json_error(w->json, w->err, -E2BIG, w->path, "has more than %" PRIu64 " elements", row->bound);
        default:
                return oci_json_error(w->json, w->err, -EINVAL, w->path, "is not within %s%" PRIu64,
                                      row->type == FIELD_INT ? "+-" : "0 to ", row->bound);
        }
}

static int run_check(struct walk *w, const struct frame *f)
{
        struct check c = { .root = w->json->root, .value = f->value, .name = f->name };
        size_t n = strlen(w->path);
        int r;

        if (!f->row->check)
                return 0;
        r = f->row->check(&c);
        if (r >= 0)
                return 0;
        if (c.member[0])
                snprintf(w->path + n, sizeof(w->path) - n, "%s%s", c.member[0] == '[' ? "" : ".", c.member);
        return oci_json_error(w->json, w->err, r, w->path, "%s", c.why);
}

/* A value, before its members are looked at. Returns 1 when it has any to look at. */
static int enter(struct walk *w, const struct field *row, struct json_object *value, const char *name)
{
        struct frame f = { .row = row, .value = value, .path_bytes = strlen(w->path), .name = name };
        uint64_t n;
        int r;

        if (!value) /* Go's encoders write null for what is not given */
                return row->path[strlen(row->path) - 1] == ']' || row->path[strlen(row->path) - 1] == '*'
                               ? oci_json_error(w->json, w->err, -EINVAL, w->path, "is null") : 0;
        if (!is_of(value, row->type))
                return oci_json_error(w->json, w->err, -EINVAL, w->path, "is not %s", type_texts[row->type]);
        n = amount(value, row->type);
        r = check_bound(w, row, n);
        if (r < 0)
                return r;
        if (row->verdict == VERDICT_REFUSE) {
                if (n == 0)
                        return 0;
                return row->check ? run_check(w, &f)
                                  : oci_json_error(w->json, w->err, -EOPNOTSUPP, w->path, "%s", row->why);
        }
        if (row->type > FIELD_ARRAY)
                return run_check(w, &f);
        if (row->type != FIELD_ARRAY)
                f.next = json_object_get_object(value)->head;
        w->frames[w->depth++] = f;
        return 1;
}

/* The next member of the innermost value; when there is none, its own check, for it may look at all of them. */
static int next(struct walk *w)
{
        struct frame *f = &w->frames[w->depth - 1];
        size_t room = sizeof(w->path) - f->path_bytes;
        struct json_object *value;
        const struct field *row;
        const char *name = NULL;

        w->path[f->path_bytes] = '\0';
        if (f->row->type == FIELD_ARRAY) {
                if (f->index == json_object_array_length(f->value)) {
                        w->depth--;
                        return run_check(w, f);
                }
                snprintf(w->path + f->path_bytes, room, "[%zu]", f->index);
                value = json_object_array_get_idx(f->value, f->index++);
        } else {
                if (!f->next) {
                        w->depth--;
                        return run_check(w, f);
                }
                name = lh_entry_k(f->next);
                snprintf(w->path + f->path_bytes, room, "%s%s", f->path_bytes ? "." : "", name);
                value = (struct json_object *)lh_entry_v(f->next);
                f->next = f->next->next;
        }
        row = row_of(f->row, name);
        if (!row)
                return oci_json_error(w->json, w->err, -EINVAL, w->path, "is not a field of the specification");
        return enter(w, row, value, name);
}

int fields_check(const struct oci_json *json, struct error *err)
{
        struct walk w = { .json = json, .err = err };
        int r = enter(&w, &oci_fields[0], json->root, NULL);

        while (r >= 0 && w.depth)
                r = next(&w);
        return r < 0 ? r : 0;
}
