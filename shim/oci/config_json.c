/* config_json.c - see config_json.h. */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/oci/config_json.h"
#include "shim/oci/config_scan.h"
#include "shim/oci/plan.h"

#define PATH_SHOWN 120

static int at_place(const struct oci_json *json, struct error *err, int code, uint64_t offset, const char *text)
{
        unsigned line, column;

        if (offset == ERROR_NOWHERE)
                return error_set(err, STAGE_POLICY, code, offset, OCI_CONFIG_NAME ": %s", text);
        scan_place(json->text, json->size, offset, &line, &column);
        return error_set(err, STAGE_POLICY, code, offset, OCI_CONFIG_NAME ":%u:%u: %s", line, column, text);
}

/* The longest beginning of @path that is in the text: what is missing has the place of what it is missing in. */
static uint64_t place_of(const struct oci_json *json, const char *path)
{
        char part[SCAN_PATH_MAX];
        uint64_t offset;

        if (strlen(path) >= sizeof(part))
                return ERROR_NOWHERE;
        strcpy(part, path);
        for (;;) {
                char *dot = strrchr(part, '.'), *bracket = strrchr(part, '[');

                offset = scan_find(json->text, json->size, part);
                if (offset != ERROR_NOWHERE || !part[0])
                        return offset;
                if (!dot || (bracket && bracket > dot))
                        dot = bracket;
                *(dot ? dot : part) = '\0';
        }
}

int oci_json_error(const struct oci_json *json, struct error *err, int code, const char *path, const char *format, ...)
{
        char why[200], text[sizeof(why) + PATH_SHOWN + 8];
        size_t n = strlen(path);
        va_list ap;

        if (!err)
                return code;
        va_start(ap, format);
        vsnprintf(why, sizeof(why), format, ap);
        va_end(ap);
        snprintf(text, sizeof(text), "%.*s%s%s%s", PATH_SHOWN, path, n > PATH_SHOWN ? "..." : "", n ? ": " : "", why);
        /* Names are whatever the file has. */
        for (char *p = text; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        *p = '?';
        return at_place(json, err, code, place_of(json, path), text);
}

static struct json_object *parse(const char *text, size_t size, enum json_tokener_error *ret_error, size_t *ret_end)
{
        struct json_tokener *tokener = json_tokener_new_ex(OCI_CONFIG_DEPTH_MAX);
        struct json_object *o;

        *ret_error = json_tokener_error_size;
        *ret_end = 0;
        if (!tokener)
                return NULL;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        o = json_tokener_parse_ex(tokener, text, (int)size);
        *ret_error = json_tokener_get_error(tokener);
        *ret_end = json_tokener_get_parse_end(tokener);
        json_tokener_free(tokener);
        return o;
}

int oci_json_read(const char *text, size_t size, struct oci_json *ret, struct error *err)
{
        struct oci_json json = { .text = text, .size = size };
        const char *problem = NULL;
        enum json_tokener_error e;
        uint64_t offset = 0;
        size_t end;
        int r;

        if (size > OCI_CONFIG_BYTES_MAX) /* before anything is made of it */
                return at_place(&json, err, -E2BIG, ERROR_NOWHERE, "is longer than 1048576 bytes");
        if (memchr(text, '\0', size))
                return at_place(&json, err, -EINVAL, (uint64_t)((const char *)memchr(text, '\0', size) - text), "a NUL");
        json.root = parse(text, size, &e, &end);
        if (e == json_tokener_error_depth)
                return at_place(&json, err, -E2BIG, end, "is more than 16 levels deep");
        /* White space may follow, and nothing else. */
        while (e == json_tokener_success && end < size && strchr(" \t\r\n", text[end]))
                end++;
        if (e == json_tokener_error_size)
                return at_place(&json, err, -ENOMEM, ERROR_NOWHERE, "out of memory");
        if (e != json_tokener_success || end != size || !json_object_is_type(json.root, json_type_object)) {
                json_object_put(json.root);
                return at_place(&json, err, -EINVAL, end, e == json_tokener_continue ? "ends too early" : "is not a JSON object");
        }
        r = scan_check(text, size, &problem, &offset);
        if (r < 0) {
                json_object_put(json.root);
                return at_place(&json, err, r, problem ? offset : ERROR_NOWHERE, problem ? problem : "out of memory");
        }
        *ret = json;
        return 0;
}

void oci_json_done(struct oci_json *json)
{
        json_object_put(json->root);
        json->root = NULL;
}

int oci_json_file(int dir, char **ret, size_t *ret_size, struct error *err)
{
        /* Neither a link nor a fifo: whoever writes the bundle does not choose what is read, nor for how long. */
        _cleanup_close_ int fd = openat(dir, OCI_CONFIG_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t n = 0;
        ssize_t r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, OCI_CONFIG_NAME ": %m");
        if (!S_ISREG(st.st_mode))
                return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE, OCI_CONFIG_NAME ": is not a regular file");
        if (st.st_size > OCI_CONFIG_BYTES_MAX)
                return error_set(err, STAGE_POLICY, -E2BIG, ERROR_NOWHERE, OCI_CONFIG_NAME ": is longer than %u bytes",
                                 OCI_CONFIG_BYTES_MAX);
        text = malloc(OCI_CONFIG_BYTES_MAX + 2);
        if (!text)
                return error_set(err, STAGE_POLICY, -ENOMEM, ERROR_NOWHERE, "out of memory");
        /* One byte more than there may be: it may have grown since. */
        while (n <= OCI_CONFIG_BYTES_MAX && (r = read(fd, text + n, OCI_CONFIG_BYTES_MAX + 1 - n)) != 0) {
                if (r < 0)
                        return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, OCI_CONFIG_NAME ": %m");
                n += (size_t)r;
        }
        text[n] = '\0';
        *ret = TAKE_PTR(text);
        *ret_size = n;
        return 0;
}
