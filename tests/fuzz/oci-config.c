/* oci-config [CASES [SEED]] - config.json of containers, changed.
 *
 * From the configurations that engines write by default: cut at each byte, then at some; bytes changed at random; and as JSON, with one
 * value put where it must be refused, written in one of several ways. What comes of the first two must end in a plan or a
 * refusal with its words; no plan may come of a text in which json-c by itself finds what fields.def refuses. The
 * last must be refused, with the path of what was put in. The same seed gives the same run. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>

#include "tests/fuzz/noise.h"
#include "tests/unit/oci/bundle.h"

static const char *const names[] = { "runc", "podman", "ctr", "cri", "docker" };
static char *texts[ELEMENTSOF(names)];
static char running[256];
static uint64_t accepted, refused, put_in;
static struct noise noise;

_noreturn_ _printf_(1, 2) static void fail(const char *format, ...)
{
        va_list ap;

        fprintf(stderr, "FAIL %s: ", running);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        bundle_remove();
        abort();
}

static bool is_neutral(struct json_object *o)
{
        switch (json_object_get_type(o)) {
        case json_type_object:
                return json_object_object_length(o) == 0;
        case json_type_array:
                return json_object_array_length(o) == 0;
        case json_type_string:
                return json_object_get_string_len(o) == 0;
        default:
                return !json_object_get_boolean(o);
        }
}

/* By json-c alone, and only where a path has no arrays: fields.def is what is doubted here. */
static const char *forbidden(const char *text)
{
        struct json_object *root = json_tokener_parse(text);
        const char *found = NULL;

        for (unsigned i = 0; i < oci_nfields && !found; i++) {
                const struct field *f = &oci_fields[i];

                if (f->verdict == VERDICT_REFUSE && !f->check && !strchr(f->path, '[') && !strchr(f->path, '*') &&
                    !is_neutral(member_at(root, f->path)))
                        found = f->path;
        }
        json_object_put(root);
        return found;
}

/* What may be accepted as a configuration may still be refused as a unit, but then with words. */
static void run_of(struct oci_plan *plan)
{
        struct unit_run *run = calloc(1, sizeof(*run));
        struct error err = { 0 };
        int r;

        if (!run)
                fail("out of memory");
        r = oci_plan_run(plan, run, &err);
        if (r < 0 ? err.code != r || !err.text[0] : !run->options.ndirs || strcmp(run->dirs[0].guest, "/") != 0)
                fail("as a unit %d: %s", r, err.text);
        for (unsigned i = 0; r >= 0 && i < run->options.ndirs; i++)
                if (path_unseen(run->dirs[i].host) || strcmp(run->dirs[i].host, "/") == 0)
                        fail("a key for %s", run->dirs[i].host);
        free(run);
}

/* The bytes in a block of their own size, so that a sanitizer sees a read behind them. */
static int parse(const char *text, size_t size, struct error *err)
{
        struct oci_plan *plan = NULL;
        char *exact = malloc(size ? size : 1);
        int r;

        if (!exact)
                fail("out of memory");
        memcpy(exact, text, size);
        r = oci_plan_parse(exact, size, bundle, &plan, err);
        free(exact);
        if (r < 0 && (plan || err->code != r || !err->text[0]))
                fail("refused with %d, the error says %d: %s", r, err->code, err->text);
        if (r == 0 && (!plan || !plan->args.n || plan->rootfs_fd < 0 || plan->args.words[0][0] == '\0'))
                fail("a plan without a program or a root");
        if (r == 0)
                run_of(plan);
        oci_plan_free(plan);
        if (r == 0)
                accepted++;
        else
                refused++;
        return r;
}

static void try(const char *text, size_t size)
{
        struct error err = { 0 };

        if (parse(text, size, &err) == 0 && forbidden(text))
                fail("%s was accepted: %s", forbidden(text), text);
}

static void run_prefixes(unsigned i)
{
        size_t size = strlen(texts[i]) - 1; /* a newline is last */

        for (size_t n = 0; n < size; n += n < 2048 ? 1 : 7) {
                struct error err = { 0 };

                snprintf(running, sizeof(running), "first %zu bytes of %s", n, names[i]);
                if (parse(texts[i], n, &err) == 0)
                        fail("was accepted");
        }
}

static void change(char *text, size_t *size, size_t room)
{
        static const char odd[] = "\"\\{}[],:0-9e.u tfn\n\x01\x7f\x80\xc3\xff";
        size_t at = noise_below(&noise, (uint32_t)*size), n = 1 + noise_below(&noise, 24);

        n = n < *size - at ? n : *size - at;
        switch (noise_below(&noise, 5)) {
        case 0:
                text[at] ^= (char)(1u << noise_below(&noise, 8));
                break;
        case 1:
                text[at] = odd[noise_below(&noise, sizeof(odd))];
                break;
        case 2: /* gone */
                memmove(text + at, text + at + n, *size - at - n);
                *size -= n;
                break;
        case 3: /* twice */
                if (*size + n > room)
                        break;
                memmove(text + at + n, text + at, *size - at);
                *size += n;
                break;
        default: /* of somewhere else */
                memmove(text + at, text + noise_below(&noise, (uint32_t)(*size - n + 1)), n);
        }
}

static void run_bytes(unsigned i)
{
        size_t size = strlen(texts[i]), room = size + 512;
        char *work = malloc(room + 1);

        if (!work)
                fail("out of memory");
        memcpy(work, texts[i], size);
        for (unsigned changes = 1 + noise_below(&noise, 3) * noise_below(&noise, 4); changes && size > 32; changes--)
                change(work, &size, room);
        work[size] = '\0';
        try(work, size);
        free(work);
}

/* What each asks for must be refused, at this path or beneath it. */
static const struct {
        const char *path, *value;
} hostile[] = {
        { "ociVersion", "\"2.0.0\"" }, { "root.path", "\"link\"" }, { "root.path", "\"/\"" }, { "root.path", "\"../x\"" },
        { "process.cwd", "\"/proc/self/fd/7\"" }, { "process.cwd", "\"../\"" },
        { "process.capabilities.bounding[0]", "\"CAP_SYS_ADMIN\"" }, { "process.capabilities.effective[0]", "\"CAP_BPF\"" },
        { "process.apparmorProfile", "\"mine\"" }, { "process.selinuxLabel", "\"u:r:t:s0\"" },
        { "mounts[0]", "{\"destination\":\"/a/../../b\",\"type\":\"bind\",\"source\":\"data\"}" },
        { "mounts[0]", "{\"destination\":\"/dev/sda\",\"type\":\"bind\",\"source\":\"/dev/sda\"}" },
        { "mounts[1]", "{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/proc/1/root\"}" },
        { "mounts[1]", "{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"link\"}" },
        { "linux.namespaces[0]", "{\"type\":\"user\"}" }, { "linux.devices[0]", "{\"path\":\"/dev/kvm\",\"type\":\"c\",\"major\":10,\"minor\":232}" },
        { "linux.resources.devices[1]", "{\"allow\":true}" }, { "linux.sysctl", "{\"kernel.shmmax\":\"1\"}" },
        { "linux.seccomp.defaultAction", "\"SCMP_ACT_ALLOW\"" },
        { "linux.seccomp.syscalls[0]", "{\"names\":[\"kexec_load\"],\"action\":\"SCMP_ACT_ALLOW\"}" },
        { "linux.seccomp.syscalls[0]", "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_NOTIFY\"}" },
        { "linux.rootfsPropagation", "\"shared\"" }, { "linux.maskedPaths[0]", "\"/etc/shadow\"" },
};

static struct json_object *not_neutral(enum field_type type)
{
        static const char *const values[] = { [FIELD_OBJECT] = "{\"a\":1}", [FIELD_MAP] = "{\"a\":{}}", [FIELD_ARRAY] = "[{}]",
                                              [FIELD_STRING] = "\"a\"", [FIELD_BOOL] = "true", [FIELD_INT] = "1", [FIELD_UINT] = "1" };

        return json_tokener_parse(values[type]);
}

/* A row that is refused whatever it is. */
static const struct field *refused_row(void)
{
        for (;;) {
                const struct field *f = &oci_fields[noise_below(&noise, oci_nfields)];

                if (f->verdict == VERDICT_REFUSE && !strchr(f->path, '['))
                        return f;
        }
}

static void run_fields(unsigned i)
{
        static const int ways[] = { JSON_C_TO_STRING_PLAIN, JSON_C_TO_STRING_SPACED, JSON_C_TO_STRING_PRETTY };
        struct json_object *root = json_tokener_parse(texts[i]);
        struct error err = { 0 };
        const char *path, *text;

        if (noise_below(&noise, 2)) {
                const struct field *f = refused_row();

                path = f->path;
                put_at(root, path, not_neutral(f->type));
        } else {
                unsigned h = noise_below(&noise, ELEMENTSOF(hostile));

                path = hostile[h].path;
                put_at(root, path, json_tokener_parse(hostile[h].value));
        }
        text = json_object_to_json_string_ext(root, ways[noise_below(&noise, ELEMENTSOF(ways))]);
        snprintf(running, sizeof(running), "%s with another %s", names[i], path);
        if (parse(text, strlen(text), &err) == 0)
                fail("was accepted");
        if (strncmp(without_place(err.text), path, strlen(path)) != 0)
                fail("is refused for something else: %s", err.text);
        put_in++;
        json_object_put(root);
}

static void read_texts(void)
{
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char path[512];
                FILE *f;

                snprintf(path, sizeof(path), TOP_SRCDIR "/tests/unit/oci/default-%s.json", names[i]);
                snprintf(running, sizeof(running), "%s", names[i]);
                texts[i] = calloc(1, 1 << 16);
                f = fopen(path, "r");
                if (!texts[i] || !f || !fread(texts[i], 1, (1 << 16) - 1, f))
                        fail("cannot be read");
                fclose(f);
                put_file("config.json", texts[i]);
        }
}

int main(int argc, char **argv)
{
        uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 2000, seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

        bundle_make();
        read_texts();
        for (unsigned i = 0; i < ELEMENTSOF(names); i++)
                run_prefixes(i);
        for (uint64_t n = 0; n < cases; n++) {
                noise.state = seed + n;
                snprintf(running, sizeof(running), "case %" PRIu64 " (of seed %" PRIu64 ")", n, seed);
                run_bytes((unsigned)n % ELEMENTSOF(names));
                run_fields((unsigned)n % ELEMENTSOF(names));
        }
        printf("oci-config: %" PRIu64 " texts refused, %" PRIu64 " of them for what was put in, %" PRIu64 " accepted\n", refused,
               put_in, accepted);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                free(texts[i]);
        bundle_remove();
        return put_in == cases ? 0 : 1;
}
