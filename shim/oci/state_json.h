/* state_json.h - a container's state as text: what is kept, and what `state` prints.
 *
 * oci_state_parse - @text, @n bytes, into the strings and the process of @ret. -EBADMSG.
 * oci_state_print - what is kept, into *@ret, the caller's. -ENOMEM.
 * oci_state_show - what the specification has `state` print: a JSON object, the caller's to json_object_put(). */
#pragma once

#include <json.h>

#include "shim/oci/state.h"

_must_check_ int oci_state_parse(const char *text, size_t n, struct oci_state *ret, struct error *err);
_must_check_ int oci_state_print(const struct oci_state *s, char **ret);
struct json_object *oci_state_show(const struct oci_state *s);
