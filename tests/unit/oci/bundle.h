/* bundle.h - configurations for the tests: a small one that is accepted, values put into it, and a bundle for it. */
#pragma once

#include <json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/oci/config_fields.h"
#include "shim/oci/plan.h"

static const char small_config[] =
        "{\"ociVersion\":\"1.2.0\",\"process\":{\"user\":{\"uid\":7,\"gid\":8},\"args\":[\"/main.wasm\"],\"cwd\":\"/\"},"
        "\"root\":{\"path\":\"rootfs\"},\"mounts\":[],\"linux\":{}}";

static char bundle[64]; /* with rootfs/etc/passwd, data/, one.conf, and links */

static inline void put_file(const char *name, const char *text)
{
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", bundle, name);
        f = fopen(path, "w");
        if (!f || fputs(text, f) < 0 || fclose(f) != 0)
                abort();
}

static inline void bundle_make(void)
{
        static const char *const directories[] = { "rootfs", "rootfs/etc", "rootfs/empty", "data" };
        char path[256];

        strcpy(bundle, "/tmp/nacelle-oci-XXXXXX");
        if (!mkdtemp(bundle))
                abort();
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                snprintf(path, sizeof(path), "%s/%s", bundle, directories[i]);
                if (mkdir(path, 0755) < 0)
                        abort();
        }
        put_file("rootfs/etc/passwd", "");
        put_file("one.conf", "");
        snprintf(path, sizeof(path), "%s/link", bundle);
        if (symlink("/", path) < 0)
                abort();
        snprintf(path, sizeof(path), "%s/fifo", bundle);
        if (mkfifo(path, 0600) < 0)
                abort();
}

static inline void bundle_remove(void)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -r %s", bundle);
        if (system(command) != 0)
                abort();
}

/* @value at @path beneath @root: "linux.mounts[0].type"; what is missing on the way is made. Owned by @root. */
static inline void put_at(struct json_object *root, const char *path, struct json_object *value)
{
        struct json_object *at = root;
        char name[64];

        for (;;) {
                size_t n = strcspn(path, ".[");
                const char *rest = path + n;
                struct json_object *next = NULL;

                if (*path == '[') {
                        unsigned index = (unsigned)atoi(path + 1);

                        rest = strchr(path, ']') + 1;
                        if (!*rest) {
                                json_object_array_put_idx(at, index, value);
                                return;
                        }
                        next = json_object_array_get_idx(at, index);
                        if (!next)
                                json_object_array_put_idx(at, index, next = *rest == '[' ? json_object_new_array()
                                                                                          : json_object_new_object());
                } else {
                        snprintf(name, sizeof(name), "%.*s", (int)n, path);
                        if (!*rest) {
                                json_object_object_add(at, name, value);
                                return;
                        }
                        if (!json_object_object_get_ex(at, name, &next))
                                json_object_object_add(at, name, next = *rest == '[' ? json_object_new_array()
                                                                                      : json_object_new_object());
                }
                at = next;
                path = rest + (*rest == '.');
        }
}

/* The small configuration with @json, a text, or @value, at @path. The caller's. */
static inline char *config_with(const char *path, const char *json, struct json_object *value)
{
        struct json_object *root = json_tokener_parse(small_config);
        char *text;

        if (json)
                value = json_tokener_parse(json);
        put_at(root, path, value);
        text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(root);
        return text;
}

/* What is behind "config.json:LINE:COLUMN: ". */
static inline const char *without_place(const char *text)
{
        unsigned line, column;
        int n = 0;

        return sscanf(text, OCI_CONFIG_NAME ":%u:%u: %n", &line, &column, &n) == 2 && n ? text + n : text;
}
