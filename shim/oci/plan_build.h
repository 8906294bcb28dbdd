/* plan_build.h - what the files that make a plan share; nobody else includes this.
 *
 * Every value was checked by its row of fields.def before: what is left to fail here is memory, files, and what only
 * shows next to something else. */
#pragma once

#include "shim/oci/config_fields.h"
#include "shim/oci/plan.h"

struct build {
        const struct oci_json *json;
        struct oci_plan *plan;
        int bundle;              /* directory */
        struct error *err;
};

int build_no_memory(struct build *b);
/* The string of @value, in the plan; NULL of NULL. */
_must_check_ int build_text(struct build *b, struct json_object *value, const char **ret);
_must_check_ int build_format(struct build *b, const char **ret, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Whether the directory @path of the rootfs has anything in it; what is no directory has not. */
bool plan_has_entries(const struct oci_plan *plan, const char *path);

_must_check_ int build_root(struct build *b);      /* plan_root.c */
_must_check_ int build_mounts(struct build *b);    /* plan_mounts.c */
_must_check_ int build_settings(struct build *b);  /* plan_settings.c */
_must_check_ int build_limits(struct build *b);    /* plan_limits.c */
