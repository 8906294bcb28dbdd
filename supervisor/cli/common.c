#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/decode/decode.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/values.h"

int cli_fail(const struct error *err)
{
        struct error plain = *err;

        /* What is wrong with the command line or a file's name needs no stage to be understood. */
        if (plain.stage == STAGE_USAGE)
                plain.stage = STAGE_NONE;
        error_print(stderr, "nacelle", &plain);
        return error_status(err);
}

int cli_open(const char *path, int *ret_fd, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        /* Not blocking: a FIFO that nobody writes to would hang here. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %s", path,
                                 strerror(errno));
        if (S_ISDIR(st.st_mode))
                return error_set(err, STAGE_USAGE, -EISDIR, ERROR_NOWHERE, "%s: is a directory", path);
        if (!S_ISREG(st.st_mode))
                return error_set(err, STAGE_USAGE, -EACCES, ERROR_NOWHERE, "%s: is not a regular file",
                                 path);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int cli_progress(void *context, uint64_t bytes_done, uint64_t bytes_all)
{
        struct progress *p = context;
        unsigned percent = bytes_all ? (unsigned)((double)bytes_done / (double)bytes_all * 100) : 0;

        if (!p->start_ns) {
                p->start_ns = monotonic_ns();
                p->terminal = isatty(STDERR_FILENO);
        }
        if (!p->terminal || percent + 1 == p->shown || monotonic_ns() - p->start_ns < 200000000u)
                return 0;
        fprintf(stderr, "\r\033[K%s: %u %%", p->text, percent);
        p->shown = percent + 1;
        return 0;
}

void cli_progress_done(struct progress *p)
{
        if (p->shown)
                fputs("\r\033[K", stderr);
        p->shown = 0;
}

int cli_set_cpu(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;
        uint64_t cpu;

        if (cpu_features_parse(value, &cpu) < 0)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "\"%s\" is not host, x86-64-v2, x86-64-v3 or x86-64-v4", value);
        o->cpu = cpu;
        return 0;
}

int cli_set_tier(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;

        if (strcmp(value, "fast") != 0 && strcmp(value, "peak") != 0)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "\"%s\" is not fast or peak",
                                 value);
        o->tier = value[0] == 'p' ? TIER_PEAK : TIER_FAST;
        o->auto_tier = false;
        return 0;
}

static int find_feature(const char *name, size_t size, uint64_t *ret, struct error *err)
{
        for (unsigned i = 0; i < _FEATURE_MAX; i++)
                if (strlen(feature_table[i].text) == size && !memcmp(feature_table[i].text, name, size)) {
                        *ret = UINT64_C(1) << i;
                        return 0;
                }
        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "no proposal is called \"%.*s\"",
                         (int)(size < 60 ? size : 60), name);
}

int cli_set_features(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;
        uint64_t features = FEATURES_DEFAULT ^ o->features_changed;

        for (const char *p = value;; p++) {
                bool off = !strncmp(p, "no-", 3);
                const char *name = p + (off ? 3 : 0);
                size_t size = strcspn(name, ",");
                uint64_t bit = 0;
                int r = find_feature(name, size, &bit, err);

                if (r < 0)
                        return r;
                features = off ? features & ~bit : features | bit;
                p = name + size;
                if (!*p)
                        break;
        }
        o->features_changed = FEATURES_DEFAULT ^ features;
        return 0;
}

int cli_set_deterministic(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;

        o->deterministic = true;
        return 0;
}

int cli_set_dense(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;

        o->dense = true;
        return 0;
}

int cli_set_jobs(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;

        return parse_count(value, 1024, &o->jobs, err);
}

int cli_set_cache(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;

        if (!*value)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "an empty path");
        o->cache = value;
        return 0;
}

int cli_set_no_cache(void *target, const char *value, struct error *err)
{
        struct run_options *o = target;

        o->no_cache = true;
        return 0;
}
