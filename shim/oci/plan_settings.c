/* plan_settings.c - annotations that are settings of keys. */
#include "config.h"

#include <string.h>

#include "shim/oci/plan_build.h"

int build_settings(struct build *b)
{
        struct json_object *all = member(b->json->root, "annotations");
        struct oci_setting *settings = pool_alloc(b->plan->pool, all ? (size_t)json_object_object_length(all) : 0,
                                                  sizeof(*settings));
        unsigned n = 0;

        if (!settings)
                return build_no_memory(b);
        for (struct lh_entry *e = all ? json_object_get_object(all)->head : NULL; e; e = e->next) {
                const char *key = lh_entry_k(e), *dot;
                struct json_object *value = (struct json_object *)lh_entry_v(e);
                int r;

                if (strncmp(key, ANNOTATION_KEY, sizeof(ANNOTATION_KEY) - 1) != 0)
                        continue;
                key += sizeof(ANNOTATION_KEY) - 1;
                dot = strchr(key, '.');
                r = build_format(b, &settings[n].key, "%.*s", (int)(dot - key), key);
                if (r >= 0)
                        r = build_format(b, &settings[n].name, "%s", dot + 1);
                if (r >= 0)
                        r = build_text(b, value, &settings[n].value);
                if (r < 0)
                        return r;
                n++;
        }
        b->plan->settings = settings;
        b->plan->nsettings = n;
        return 0;
}
