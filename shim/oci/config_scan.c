/* config_scan.c - see config_scan.h. One pass, with a stack of fixed depth: what is deeper json-c has refused. */
#include "config.h"

#include <errno.h>
#include <json.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/error.h"
#include "shim/oci/config_scan.h"
#include "shim/oci/plan.h"

struct level {
        bool object, key_next;    /* of an object: a name comes next */
        unsigned index;           /* of an array: of the element */
        size_t path_bytes;        /* of the container's own path */
        struct json_object *seen; /* names of an object, when asked for */
};

struct scan {
        const char *text;
        size_t size, at;
        struct level levels[OCI_CONFIG_DEPTH_MAX + 1];
        unsigned depth;
        bool names;               /* look for names that come twice */
        char path[SCAN_PATH_MAX]; /* of the value that is next */
        size_t path_bytes;        /* SCAN_PATH_MAX: too long, and none */
        const char *problem;
};

static int refuse(struct scan *s, size_t at, const char *problem)
{
        s->at = at;
        s->problem = problem;
        return -EINVAL;
}

static void path_to(struct scan *s, size_t n, const char *part, size_t part_bytes)
{
        if (n + part_bytes >= sizeof(s->path)) {
                s->path_bytes = sizeof(s->path);
                return;
        }
        memcpy(s->path + n, part, part_bytes);
        s->path_bytes = n + part_bytes;
        s->path[s->path_bytes] = '\0';
}

static void path_to_element(struct scan *s, const struct level *l)
{
        char text[24];
        int n = snprintf(text, sizeof(text), "[%u]", l->index);

        path_to(s, l->path_bytes, text, (size_t)n);
}

/* Behind the closing quote, or 0. Escapes are json-c's; that of NUL would cut the string that it makes. */
static size_t string_end(struct scan *s, size_t at)
{
        size_t start = at++;

        for (; at < s->size && s->text[at] != '"'; at++) {
                if ((unsigned char)s->text[at] < 0x20)
                        return (void)refuse(s, at, "a control character in a string"), 0;
                if (s->text[at] != '\\')
                        continue;
                at++;
                if (s->size - at > 4 && memcmp(s->text + at, "u0000", 5) == 0)
                        return (void)refuse(s, at - 1, "a NUL in a string"), 0;
        }
        if (at >= s->size)
                return (void)refuse(s, start, "a string without an end"), 0;
        return at + 1;
}

/* The name between the quotes [@from, @to) of the innermost object. */
static int take_name(struct scan *s, size_t from, size_t to)
{
        struct level *l = &s->levels[s->depth];
        const char *raw = s->text + from + 1;
        size_t n = to - from - 2;
        struct json_object *decoded = NULL;
        char *name;
        int r = 0;

        if (memchr(raw, '\\', n)) {
                struct json_tokener *t = json_tokener_new();

                decoded = t ? json_tokener_parse_ex(t, s->text + from, (int)(to - from)) : NULL;
                if (t)
                        json_tokener_free(t);
                if (!json_object_is_type(decoded, json_type_string)) {
                        json_object_put(decoded);
                        return refuse(s, from, "a name that is no string");
                }
                raw = json_object_get_string(decoded);
                n = (size_t)json_object_get_string_len(decoded);
        }
        name = strndup(raw, n);
        if (!name)
                r = -ENOMEM;
        else if (l->seen && json_object_object_get_ex(l->seen, name, NULL))
                r = refuse(s, from, "a member that comes twice");
        else if (l->seen && json_object_object_add(l->seen, name, NULL) < 0)
                r = -ENOMEM;
        if (r == 0) {
                size_t dot = l->path_bytes > 0;

                path_to(s, l->path_bytes, ".", dot);
                path_to(s, l->path_bytes + dot, name, n);
                l->key_next = false;
        }
        free(name);
        json_object_put(decoded);
        return r;
}

static int take_number(struct scan *s)
{
        size_t start = s->at, n;
        char digits[32];

        while (s->at < s->size && strchr("+-.0123456789eE", s->text[s->at]))
                s->at++;
        n = s->at - start;
        /* json-c makes the greatest number of what is greater. */
        if (memchr(s->text + start, '.', n) || memchr(s->text + start, 'e', n) || memchr(s->text + start, 'E', n))
                return refuse(s, start, "a number that is not whole");
        if (n >= sizeof(digits))
                return refuse(s, start, "a number beyond 64 bits");
        memcpy(digits, s->text + start, n);
        digits[n] = '\0';
        errno = 0;
        if (digits[0] == '-')
                (void)strtoll(digits, NULL, 10);
        else
                (void)strtoull(digits, NULL, 10);
        return errno ? refuse(s, start, "a number beyond 64 bits") : 0;
}

static int take_word(struct scan *s)
{
        static const char *const words[] = { "true", "false", "null" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                size_t n = strlen(words[i]);

                if (s->size - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
                        s->at += n;
                        return 0;
                }
        }
        return refuse(s, s->at, "not JSON");
}

static int open_level(struct scan *s, bool object)
{
        struct level *l;

        if (s->depth == OCI_CONFIG_DEPTH_MAX)
                return refuse(s, s->at, "too deep");
        l = &s->levels[++s->depth];
        *l = (struct level) { .object = object, .key_next = object, .path_bytes = s->path_bytes };
        if (s->path_bytes == sizeof(s->path))
                l->path_bytes = sizeof(s->path);
        if (object && s->names && !(l->seen = json_object_new_object()))
                return -ENOMEM;
        if (!object)
                path_to_element(s, l);
        s->at++;
        return 0;
}

static int close_level(struct scan *s)
{
        struct level *l = &s->levels[s->depth];

        if (s->depth == 0 || l->object != (s->text[s->at] == '}'))
                return refuse(s, s->at, "not JSON");
        json_object_put(l->seen);
        s->depth--;
        s->at++;
        return 0;
}

static int step(struct scan *s)
{
        struct level *l = &s->levels[s->depth];
        size_t end;

        switch (s->text[s->at]) {
        case ' ': case '\t': case '\r': case '\n':
        case ':':
                s->at++;
                return 0;
        case ',':
                l->key_next = l->object;
                l->index++;
                if (!l->object)
                        path_to_element(s, l);
                s->at++;
                return 0;
        case '{': case '[':
                return open_level(s, s->text[s->at] == '{');
        case '}': case ']':
                return close_level(s);
        case '"':
                end = string_end(s, s->at);
                if (!end)
                        return -EINVAL;
                if (l->key_next) {
                        int r = take_name(s, s->at, end);

                        if (r < 0)
                                return r;
                }
                s->at = end;
                return 0;
        case '-': case '0' ... '9':
                return take_number(s);
        default:
                return take_word(s);
        }
}

static void done(struct scan *s)
{
        for (unsigned d = 1; d <= s->depth; d++)
                json_object_put(s->levels[d].seen);
}

int scan_check(const char *text, size_t size, const char **ret_problem, uint64_t *ret_offset)
{
        struct scan s = { .text = text, .size = size, .names = true };
        int r = 0;

        while (s.at < s.size && r >= 0)
                r = step(&s);
        if (r == -EINVAL) {
                *ret_problem = s.problem;
                *ret_offset = s.at;
        }
        done(&s);
        return r;
}

uint64_t scan_find(const char *text, size_t size, const char *path)
{
        struct scan s = { .text = text, .size = size };

        while (s.at < s.size) {
                const struct level *l = &s.levels[s.depth];
                char c = s.text[s.at];

                /* At the start of a value whose path is known. */
                if (!l->key_next && s.path_bytes < sizeof(s.path) && !strchr(" \t\r\n:,]}", c) && strcmp(s.path, path) == 0)
                        return s.at;
                if (step(&s) < 0)
                        break;
        }
        return ERROR_NOWHERE;
}

void scan_place(const char *text, size_t size, uint64_t offset, unsigned *ret_line, unsigned *ret_column)
{
        size_t end = offset < size ? (size_t)offset : size, line = 0;

        *ret_line = 1;
        *ret_column = 1;
        for (size_t i = 0; i < end; i++)
                if (text[i] == '\n') {
                        ++*ret_line;
                        line = i + 1;
                }
        for (size_t i = line; i < end; i++)
                *ret_column += ((unsigned char)text[i] & 0xc0) != 0x80;
}
