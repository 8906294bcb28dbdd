/* config_json.h - the text of config.json, as values that are no surprise any more.
 *
 * json-c reads it, strictly; what it would let pass is looked for in the text itself (config_scan.h): a member that comes twice,
 * a NUL, a number that does not fit. (Not config.h: each source includes one of that name.)
 *
 * oci_json_read - @size bytes. -EINVAL with LINE:COLUMN; -E2BIG: more than OCI_CONFIG_BYTES_MAX or OCI_CONFIG_DEPTH_MAX.
 * oci_json_file - config.json in the directory @dir: a regular file. The text in @ret, the caller's to free().
 * oci_json_error - @code, with where @path ("linux.mounts[3].source") is in the text; returns @code. */
#pragma once

#include <json.h>

#include "engine/base/error.h"

struct oci_json {
        const char *text;        /* borrowed */
        size_t size;
        struct json_object *root;
};

_must_check_ int oci_json_file(int dir, char **ret, size_t *ret_size, struct error *err);
_must_check_ int oci_json_read(const char *text, size_t size, struct oci_json *ret, struct error *err);
void oci_json_done(struct oci_json *json);
_printf_(5, 6) int oci_json_error(const struct oci_json *json, struct error *err, int code, const char *path,
                                  const char *format, ...);
