/* hierarchy.c - see hierarchy.h. */
#include "config.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "shim/oci/hierarchy.h"

/* Names in mountinfo have blanks and the like as three octal digits. */
static void unescape(char *text)
{
        char *to = text;

        for (const char *at = text; *at; to++) {
                if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' &&
                    at[3] <= '7') {
                        *to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
                        at += 4;
                } else {
                        *to = *at++;
                }
        }
        *to = '\0';
}

/* The controllers of a cgroup v2 mount: its root says which ones are not bound to version 1. */
static char *controllers_of(const char *mount)
{
        char path[4096], text[512];
        char *list = NULL;
        ssize_t n;
        int fd;

        if (snprintf(path, sizeof(path), "%s/cgroup.controllers", mount) >= (int)sizeof(path))
                return NULL;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        closep(&fd);
        text[n > 0 ? n : 0] = '\0';
        for (char *c = text; *c; c++)
                if (*c == ' ' || *c == '\n')
                        *c = ',';
        return asprintf(&list, ",%s,", text) < 0 ? NULL : list;
}

static int add(struct hierarchies *hs, const char *mount, const char *type, const char *options)
{
        struct hierarchy h = { .unified = strcmp(type, "cgroup2") == 0 };
        struct statfs fs;

        /* "name=systemd" and the like have no controller; something else may lie over the place. */
        if ((!h.unified && strstr(options, "name=")) || statfs(mount, &fs) < 0 ||
            fs.f_type != (h.unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC))
                return 0;
        for (unsigned i = 0; i < hs->n; i++)
                if (strcmp(hs->all[i].mount, mount) == 0)
                        return 0;
        if (hs->n == HIERARCHIES_MAX)
                return -E2BIG;
        h.mount = strdup(mount);
        if (h.unified)
                h.controllers = controllers_of(mount);
        else if (asprintf(&h.controllers, ",%s,", options) < 0)
                h.controllers = NULL;
        hs->all[hs->n++] = h;
        return h.mount && h.controllers ? 0 : -ENOMEM;
}

/* ID PARENT MAJOR:MINOR ROOT MOUNT OPTIONS [TAG]... - TYPE SOURCE OPTIONS */
static int take_line(struct hierarchies *hs, char *line)
{
        char *fields[5] = { NULL }, *end = strstr(line, " - "), *save = NULL, *type, *options;

        if (!end)
                return 0;
        *end = '\0';
        fields[0] = strtok_r(line, " ", &save);
        for (size_t i = 1; i < ELEMENTSOF(fields) && fields[i - 1]; i++)
                fields[i] = strtok_r(NULL, " ", &save);
        type = strtok_r(end + 3, " ", &save);
        (void)strtok_r(NULL, " ", &save);
        options = strtok_r(NULL, " \n", &save);
        if (!fields[4] || !type || !options || (strcmp(type, "cgroup") != 0 && strcmp(type, "cgroup2") != 0))
                return 0;
        unescape(fields[4]);
        return add(hs, fields[4], type, options);
}

int hierarchies_find(struct hierarchies *ret, struct error *err)
{
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        FILE *f = fopen("/proc/self/mountinfo", "re");
        int r = f ? 0 : -errno;

        while (r >= 0 && getline(&line, &size, f) > 0)
                r = take_line(ret, line);
        if (f)
                fclose(f);
        return r < 0 ? error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "control groups: %s", strerror(-r)) : 0;
}

bool hierarchy_has(const struct hierarchy *h, const char *controller)
{
        char word[64];

        return snprintf(word, sizeof(word), ",%s,", controller) < (int)sizeof(word) && strstr(h->controllers, word);
}

void hierarchy_hand_on(const char *dir)
{
        static const char *const controllers[] = { "+memory", "+cpu", "+pids", "+cpuset", "+io" };
        char path[4096];
        int fd;

        if (snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir) >= (int)sizeof(path))
                return;
        fd = open(path, O_WRONLY | O_CLOEXEC);
        /* One by one: a controller that is not there fails the whole line. */
        for (size_t i = 0; fd >= 0 && i < ELEMENTSOF(controllers); i++)
                (void)!write(fd, controllers[i], strlen(controllers[i]));
        closep(&fd);
}

void hierarchies_done(struct hierarchies *h)
{
        for (unsigned i = 0; i < h->n; i++) {
                free(h->all[i].mount);
                free(h->all[i].controllers);
        }
        h->n = 0;
}
