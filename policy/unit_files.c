/* unit_files.c - where units and their drop-ins lie. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/unit.h"

/* @variable, or the home directory with @otherwise (NULL: nothing takes its place), and @below. */
static bool user_directory(const char *variable, const char *otherwise, const char *below, char path[static PATH_MAX])
{
        const char *top = getenv(variable), *between = "";
        int n;

        if (!top || top[0] != '/') { /* the XDG specification has relative paths ignored */
                top = otherwise ? getenv("HOME") : NULL;
                between = otherwise;
        }
        if (!top)
                return false;
        n = snprintf(path, PATH_MAX, "%s%s%s", top, between, below);
        return n > 0 && n < PATH_MAX;
}

unsigned unit_directories(bool user, const char *ret[static UNIT_DIRECTORIES_MAX])
{
        static const char *const system[UNIT_DIRECTORIES_MAX] = { "/etc/nacelle", "/run/nacelle/units",
                                                                  "/usr/lib/nacelle" };
        static const struct {
                const char *variable, *otherwise, *below;
        } rows[UNIT_DIRECTORIES_MAX] = {
                { "XDG_CONFIG_HOME", "/.config", "/nacelle" },
                { "XDG_RUNTIME_DIR", NULL, "/nacelle/units" },
                { "XDG_DATA_HOME", "/.local/share", "/nacelle" },
        };
        static char paths[UNIT_DIRECTORIES_MAX][PATH_MAX];
        unsigned n = 0;

        for (unsigned i = 0; i < UNIT_DIRECTORIES_MAX; i++)
                if (!user)
                        ret[n++] = system[i];
                else if (user_directory(rows[i].variable, rows[i].otherwise, rows[i].below, paths[i]))
                        ret[n++] = paths[i];
        return n;
}

/* Files of a unit, in the order in which they are read. */
struct files {
        struct unit_text texts[UNIT_FILES_MAX];
        unsigned n;
};

static void files_done(struct files *f)
{
        for (unsigned i = 0; i < f->n; i++) {
                free((char *)f->texts[i].path);
                free((char *)f->texts[i].bytes);
        }
}

static int file_error(struct error *err, int code, const char *path)
{
        return error_set(err, STAGE_POLICY, code, ERROR_NOWHERE, "%.200s: %s", path, strerror(-code));
}

/* Reads @path, once and whole, behind the others. */
static int files_add(struct files *f, const char *path, struct error *err)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_free_ char *bytes = NULL, *name = NULL;
        struct stat st;
        size_t n = 0;
        ssize_t r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return file_error(err, -errno, path);
        if (!S_ISREG(st.st_mode))
                return error_set(err, STAGE_POLICY, S_ISDIR(st.st_mode) ? -EISDIR : -EACCES, ERROR_NOWHERE,
                                 "%.200s: not a regular file", path);
        if ((uint64_t)st.st_size > UNIT_BYTES_MAX || f->n == UNIT_FILES_MAX)
                return file_error(err, -E2BIG, path);
        bytes = malloc((size_t)st.st_size + 1);
        name = strdup(path);
        if (!bytes || !name)
                return file_error(err, -ENOMEM, path);
        while (n < (size_t)st.st_size && (r = read(fd, bytes + n, (size_t)st.st_size - n)) != 0) {
                if (r < 0)
                        return file_error(err, -errno, path);
                n += (size_t)r;
        }
        bytes[n] = '\0';
        f->texts[f->n++] = (struct unit_text) { .path = TAKE_PTR(name), .bytes = TAKE_PTR(bytes), .size = n };
        return 0;
}

struct names {
        char *names[UNIT_FILES_MAX];   /* paths of drop-ins */
        unsigned n;
};

static void names_done(struct names *names)
{
        for (unsigned i = 0; i < names->n; i++)
                free(names->names[i]);
}

static const char *base(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static int by_base(const void *a, const void *b)
{
        return strcmp(base(*(char *const *)a), base(*(char *const *)b));
}

/* Adds the .conf files of @directory whose names are not there yet. */
static int names_add(struct names *names, const char *directory, struct error *err)
{
        DIR *d = opendir(directory);
        struct dirent *e;
        int r = 0;

        if (!d)
                return errno == ENOENT || errno == ENOTDIR ? 0 : file_error(err, -errno, directory);
        while (r >= 0 && (e = readdir(d))) {
                size_t n = strlen(e->d_name);
                bool there = false;

                if (n < 6 || e->d_name[0] == '.' || strcmp(e->d_name + n - 5, ".conf") != 0)
                        continue;
                for (unsigned i = 0; i < names->n; i++)
                        there = there || strcmp(base(names->names[i]), e->d_name) == 0;
                if (there)
                        continue;
                if (names->n == UNIT_FILES_MAX)
                        r = file_error(err, -E2BIG, directory);
                else if (asprintf(&names->names[names->n], "%s/%s", directory, e->d_name) < 0)
                        r = file_error(err, -ENOMEM, directory);
                else
                        names->n++;
        }
        closedir(d);
        return r;
}

static int add_drop_ins(struct files *f, struct names *names, struct error *err)
{
        int r = 0;

        qsort(names->names, names->n, sizeof(*names->names), by_base);
        for (unsigned i = 0; i < names->n && r >= 0; i++)
                r = files_add(f, names->names[i], err);
        return r;
}

int unit_read(const char *path, const struct unit_problems *problems, struct unit **ret,
              struct error *err)
{
        _cleanup_(files_done) struct files files = { .n = 0 };
        _cleanup_(names_done) struct names names = { .n = 0 };
        _cleanup_free_ char *drop_ins = NULL;
        char name[NAME_MAX + 1];
        size_t n;
        int r;

        snprintf(name, sizeof(name), "%s", base(path));
        n = strlen(name);
        if (n > strlen(UNIT_SUFFIX) && strcmp(name + n - strlen(UNIT_SUFFIX), UNIT_SUFFIX) == 0)
                name[n - strlen(UNIT_SUFFIX)] = '\0';
        n = strlen(name);
        if (n > 1 && name[n - 1] == '@') /* a template, read as such: %i is empty */
                name[n - 1] = '\0';
        if (asprintf(&drop_ins, "%s.d", path) < 0)
                return file_error(err, -ENOMEM, path);
        r = files_add(&files, path, err);
        if (r >= 0)
                r = names_add(&names, drop_ins, err);
        if (r >= 0)
                r = add_drop_ins(&files, &names, err);
        return r < 0 ? r : unit_parse(name, files.texts, files.n, problems, ret, err);
}

/* @directory/@file as the unit file when there is none yet; its drop-ins. */
static int look(struct files *f, struct names *names, const char *directory, const char *file,
                struct error *err)
{
        _cleanup_free_ char *path = NULL, *drop_ins = NULL;
        int r;

        if (asprintf(&path, "%s/%s", directory, file) < 0 || asprintf(&drop_ins, "%s.d", path) < 0)
                return file_error(err, -ENOMEM, directory);
        r = names_add(names, drop_ins, err);
        if (r < 0 || f->n || access(path, F_OK) < 0)
                return r;
        return files_add(f, path, err);
}

int unit_load(const char *const *directories, unsigned n, const char *name,
              const struct unit_problems *problems, struct unit **ret, struct error *err)
{
        _cleanup_(files_done) struct files files = { .n = 0 };
        _cleanup_(names_done) struct names names = { .n = 0 };
        char file[UNIT_NAME_MAX + sizeof(UNIT_SUFFIX)], template[UNIT_NAME_MAX + sizeof(UNIT_SUFFIX) + 1];
        int r = 0;

        if (!unit_name_valid(name))
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%.64s: not the name of a unit",
                                 name);
        snprintf(file, sizeof(file), "%s" UNIT_SUFFIX, name);
        for (unsigned i = 0; i < n && r >= 0; i++)
                r = look(&files, &names, directories[i], file, err);
        if (strchr(name, '@')) {
                snprintf(template, sizeof(template), "%.*s@" UNIT_SUFFIX, (int)strcspn(name, "@"), name);
                for (unsigned i = 0; i < n && r >= 0; i++)
                        r = look(&files, &names, directories[i], template, err);
        }
        if (r < 0)
                return r;
        if (!files.n)
                return error_set(err, STAGE_POLICY, -ENOENT, ERROR_NOWHERE, "there is no unit %s", name);
        r = add_drop_ins(&files, &names, err);
        return r < 0 ? r : unit_parse(name, files.texts, files.n, problems, ret, err);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_one(const char *directory, char ***names, unsigned *n, struct error *err)
{
        DIR *d = opendir(directory);
        struct dirent *e;
        int r = 0;

        if (!d)
                return errno == ENOENT ? 0 : file_error(err, -errno, directory);
        while (r >= 0 && (e = readdir(d))) {
                size_t size = strlen(e->d_name), suffix = strlen(UNIT_SUFFIX);
                char **grown;

                if (size <= suffix || strcmp(e->d_name + size - suffix, UNIT_SUFFIX) != 0)
                        continue;
                e->d_name[size - suffix] = '\0';
                if (!unit_name_valid(e->d_name))
                        continue;
                grown = reallocarray(*names, *n + 1, sizeof(**names));
                if (grown)
                        *names = grown;
                if (!grown || !((*names)[*n] = strdup(e->d_name)))
                        r = file_error(err, -ENOMEM, directory);
                else
                        ++*n;
        }
        closedir(d);
        return r;
}

int unit_list(const char *const *directories, unsigned n, char ***ret_names, unsigned *ret_n,
              struct error *err)
{
        char **names = NULL;
        unsigned count = 0, kept = 0;
        int r = 0;

        for (unsigned i = 0; i < n && r >= 0; i++)
                r = list_one(directories[i], &names, &count, err);
        if (r < 0) {
                while (count)
                        free(names[--count]);
                free(names);
                return r;
        }
        if (count)
                qsort(names, count, sizeof(*names), by_name);
        for (unsigned i = 0; i < count; i++)
                if (kept && strcmp(names[kept - 1], names[i]) == 0)
                        free(names[i]);
                else
                        names[kept++] = names[i];
        *ret_names = names;
        *ret_n = kept;
        return 0;
}
