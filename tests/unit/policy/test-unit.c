/* test-unit.c - unit files: each mistake is refused at its place; what is good means what it says. */
#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/draft.h"
#include "tests/unit/unit.h"

#define HEAD "[Nanoprocess]\nModule=/m.wasm\n"

static const struct {
        const char *name, *text, *error; /* "LINE:COLUMN: " and the beginning of the sentence */
} bad_rows[] = {
        { "empty", "", "1:1: there is no section [Nanoprocess]" },
        { "no module", "\n[Nanoprocess]\n", "2:2: [Nanoprocess] has no Module" },
        { "unknown section", "[Nanoproces]\n", "1:2: an unknown section [Nanoproces]" },
        { "unknown setting", HEAD "Frob=1\n", "3:1: unknown setting Frob in [Nanoprocess]" },
        { "typing error", HEAD "Argument=1\n", "3:1: unknown setting Argument in [Nanoprocess]; is Arguments meant?" },
        { "wrong case", HEAD "[Limits]\n  memoryMax=1M\n", "4:3: unknown setting memoryMax in [Limits]; is MemoryMax" },
        { "wrong section", HEAD "MemoryMax=64M\n", "3:1: unknown setting MemoryMax in [Nanoprocess]" },
        { "before any section", "Module=/x\n" HEAD, "1:1: a setting before the first section" },
        { "no equals", HEAD "Arguments\n", "3:1: neither a section" },
        { "colon instead", HEAD "Arguments: x\n", "3:1: neither a section" },
        { "no name", HEAD " =x\n", "3:2: no name before =" },
        { "head not closed", "[Nanoprocess\n", "1:1: a section head without ]" },
        { "behind a head", "[Nanoprocess] x\n", "1:14: something behind a section head" },
        { "control byte", HEAD "Arguments=a\033[2J\n", "3:12: a control character" },
        { "twice", HEAD "Module=/n.wasm\n", "3:1: Module is given twice" },
        { "no value", HEAD "[Limits]\nMemoryMax=\n", "4:11: MemoryMax: no value" },
        { "relative path", "[Nanoprocess]\nModule=m.wasm\n", "2:8: Module: not an absolute path" },
        { "dots in a path", "[Nanoprocess]\nModule=/a/../m.wasm\n", "2:8: Module: a path with . or .." },
        { "empty part", "[Nanoprocess]\nModule=/a//m.wasm\n", "2:8: Module: an empty part" },
        { "size without digits", HEAD "[Limits]\nMemoryMax=M\n", "4:11: MemoryMax: expected a size" },
        { "size with a blank", HEAD "[Limits]\nMemoryMax=64 M\n", "4:11: MemoryMax: expected a size" },
        { "negative", HEAD "[Limits]\nMemoryMax=-1\n", "4:11: MemoryMax: expected a size" },
        { "too small", HEAD "[Limits]\nMemoryMax=1\n", "4:11: MemoryMax: from 64K to 16T" },
        { "beyond 64 bits", HEAD "[Limits]\nMemoryMax=99999999999999999999\n", "4:11: MemoryMax: from 64K" },
        { "weight", HEAD "[Limits]\nCPUWeight=0\n", "4:11: CPUWeight: from 1 to 10000" },
        { "quota without per cent", HEAD "[Limits]\nCPUQuota=50\n", "4:10: CPUQuota: expected per cent" },
        { "time without unit", HEAD "[Service]\nRestartSec=5\n", "4:12: RestartSec: expected a time" },
        { "choice", HEAD "[Service]\nRestart=sometimes\n", "4:9: Restart: expected one of no|on-success" },
        { "boolean", HEAD "Degraded=1\n", "3:10: Degraded: expected yes or no" },
        { "status", HEAD "[Service]\nSuccessExitStatus=3 256\n", "4:21: SuccessExitStatus: expected numbers" },
        { "digest", HEAD "ModuleDigest=12\n", "3:14: ModuleDigest: expected 64 hexadecimal" },
        { "variable", HEAD "Environment=A=1 B\n", "3:17: Environment: expected NAME=VALUE" },
        { "quote", HEAD "Arguments=a \"b c\n", "3:13: a quote that is not closed" },
        { "backslash", HEAD "Arguments=a\\n\n", "3:12: a backslash before what needs none" },
        { "specifier", HEAD "Arguments=%q\n", "3:11: an unknown specifier" },
        { "specifier at the end", HEAD "Arguments=5%\n", "3:12: an unknown specifier" },
        { "comment in a value", HEAD "Arguments=a \\\n  # b\n c\n", "4:3: a comment inside of a continued line" },
        { "ends continued", HEAD "Arguments=a \\", "3:13: the file ends in a continued line" },
        { "column counts characters", HEAD "Arguments=\xc3\xa4 \"x\n", "3:13: a quote that is not closed" },
        { "second line", HEAD "Arguments=a \\\n  \"x\n", "4:3: a quote that is not closed" },

        { "key without name", HEAD "[Key]\nDirectory=/a\n", "3:2: [Key NAME]: a name is needed" },
        { "key with a bad name", HEAD "[Key a/b]\nDirectory=/a\n", "3:2: [Key NAME]: a name is needed" },
        { "name where none is", "[Nanoprocess x]\nModule=/m\n", "1:2: [Nanoprocess] takes no name" },
        { "key twice", HEAD "[Key a]\nDirectory=/a\n[Key a]\nDirectory=/b\n", "5:2: [Key a] is there twice" },
        { "key of nothing", HEAD "[Key a]\nAccess=read-only\n", "3:2: [Key a] opens nothing" },
        { "key of two kinds", HEAD "[Key a]\nDirectory=/a\nFile=/b\n", "5:6: [Key a] is one of Directory and File" },
        { "the root", HEAD "[Key a]\nDirectory=/\n", "4:11: Directory: that is all of the host" },
        { "proc", HEAD "[Key a]\nDirectory=/proc/self\n", "4:11: Directory: that is the processes" },
        { "sys", HEAD "[Key a]\nDirectory=/sys\n", "4:11: Directory: that is the kernel's settings" },
        { "dev", HEAD "[Key a]\nFile=/dev/sda\n", "4:6: File: that is the devices" },
        { "typo in a denial", HEAD "[Key a]\nDirectory=/a\nAccess=readonly\n", "5:8: Access: \"readonly\" is nothing" },
        { "verb of another kind", HEAD "[Key a]\nFile=/a\nAccess=read create\n", "5:8: Access: \"create\" is nothing" },
        { "access of a socket", HEAD "[Key a]\nListenStream=1.2.3.4:80\nAccess=read-only\n", "5:8: Access belongs to" },
        { "two at one place", HEAD "[Key a]\nDirectory=/a\n[Key b]\nDirectory=/b\nMountAt=/a\n", "5:2: [Key a] and [Key b] are the same place" },
        { "two clocks", HEAD "[Key a]\nClockResolution=1ms\n[Key b]\nClockResolution=2ms\n", "5:2: [Key a] and [Key b]" },
        { "listen on a name", HEAD "[Key a]\nListenStream=localhost:80\n", "4:14: ListenStream: expected ADDRESS:PORT" },
        { "listen without port", HEAD "[Key a]\nListenStream=127.0.0.1\n", "4:14: ListenStream: a port is missing" },
        { "listen on port 0", HEAD "[Key a]\nListenStream=127.0.0.1:0\n", "4:14: ListenStream: expected a port" },
        { "IPv6 without brackets", HEAD "[Key a]\nListenStream=::1:80\n", "4:14: ListenStream: expected ADDRESS" },
        { "connect to bad network", HEAD "[Key a]\nConnect=10.0.0.1/8:80\n", "4:9: Connect: a network with bits behind" },
        { "connect to bad address", HEAD "[Key a]\nConnect=10.0.0.300:80\n", "4:9: Connect: expected HOST:PORT" },
        { "connect to ports backwards", HEAD "[Key a]\nConnect=a.example:9-8\n", "4:9: Connect: expected a port" },
        { "allow with a network", HEAD "[Key a]\nConnect=10.0.0.0/8:80\nAddressAllow=10.0.0.0/8\n", "5:14: AddressAllow goes with a name" },
        { "allow alone", HEAD "[Key a]\nDirectory=/a\nAddressAllow=10.0.0.0/8\n", "5:14: AddressAllow belongs to Connect" },

        { "group without isolation", HEAD "Group=a\n", "3:7: Group needs Isolation=group" },
        { "isolation without group", HEAD "Isolation=group\n", "3:11: Isolation=group needs Group" },
        { "on demand without socket", HEAD "Instances=on-demand\n", "3:11: Instances=on-demand needs a key" },
        { "queue without demand", HEAD "QueueMax=5\n", "3:10: QueueMax needs Instances=on-demand" },
        { "instances", HEAD "Instances=0\n", "3:11: Instances: from 1 to" },

        { "import without module", HEAD "[Import a]\n", "3:2: [Import a] has no Module" },
        { "import of an unknown key", HEAD "[Import a]\nModule=/a\nKeys=photos\n", "5:6: Keys: there is no key photos" },
        { "import of more", HEAD "[Key p]\nDirectory=/p\n[Import a]\nModule=/a\nKeys=p:read-write\n", "7:6: Keys: p: directory /p, read write create remove is more than directory /p, read" },
        { "import of the host's name", HEAD "[Import wasi_snapshot_preview1]\nModule=/a\n", "3:2: [Import wasi_snapshot_preview1]: that name is the host's" },
        { "import from nobody", HEAD "[Import a]\nModule=/a\nImports=b\n", "5:9: Imports: there is no other section [Import b]" },
        { "import from itself", HEAD "[Import a]\nModule=/a\nImports=a\n", "5:9: Imports: there is no other section [Import a]" },
        { "imports in a circle", HEAD "[Import a]\nModule=/a\nImports=b\n[Import b]\nModule=/b\nImports=a\n", "5:9: Imports: [Import a] imports from itself, in a circle" },
        { "import that is forced otherwise", HEAD "[Import a]\nModule=/a\nUnkeyed=maybe\n", "5:9: Unkeyed: " },
        { "import above", HEAD "[Key p]\nDirectory=/p\n[Import a]\nModule=/a\nKeys=p/../q\n", "7:6: Keys: p: a path with" },
};

struct seen {
        unsigned n;
        char first[400];
};

static void count(void *context, const char *path, unsigned line, unsigned column, const char *text)
{
        struct seen *seen = context;

        if (seen->n++ == 0)
                snprintf(seen->first, sizeof(seen->first), "%s:%u:%u: %s", path, line, column, text);
}

START_TEST(a_mistake_has_its_place)
{
        const struct unit_text text = { "u", bad_rows[_i].text, strlen(bad_rows[_i].text) };
        struct unit *u = (void *)0x1234;
        struct seen seen = { 0 };
        const struct unit_problems problems = { count, &seen };
        struct error err = { 0 };

        ck_assert_msg(unit_parse("u", &text, 1, &problems, &u, &err) == -EINVAL, "%s: accepted", bad_rows[_i].name);
        ck_assert_ptr_eq(u, (void *)0x1234);
        ck_assert_msg(strncmp(err.text, "u:", 2) == 0 &&
                              strncmp(err.text + 2, bad_rows[_i].error, strlen(bad_rows[_i].error)) == 0,
                      "%s: \"%s\" instead of \"%s\"", bad_rows[_i].name, err.text, bad_rows[_i].error);
        ck_assert_uint_ge(seen.n, 1);
        ck_assert_int_eq(strncmp(seen.first, err.text, sizeof(err.text) - 1), 0);
        ck_assert_int_eq(err.stage, STAGE_POLICY);
}
END_TEST

static struct unit *parse(const char *name, const char *text, const char *drop_in)
{
        const struct unit_text texts[] = { { "u", text, strlen(text) },
                                           { "d", drop_in ? drop_in : "", drop_in ? strlen(drop_in) : 0 } };
        struct unit *u = NULL;
        struct error err = { 0 };
        int r = unit_parse(name, texts, drop_in ? 2 : 1, NULL, &u, &err);

        ck_assert_msg(r == 0, "%s", err.text);
        return u;
}

START_TEST(the_whole_of_a_unit)
{
        static const char text[] =
                "# A comment; and one more\n"
                "[Unit]\nDescription=Thumbs; all of them\nAfter=a b.c\n"
                "[Nanoprocess]\n  Module = /m/%p.wasm  \nArguments=--quality 80 'a b' \"c \\\"d\\\"\" %%x \\\n"
                "   next\nEnvironment=LOG=info \"X=y z\"\n"
                "ModuleDigest=0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcdef\n"
                "Tier=peak\nIsolation=group\nGroup=g%i\nInstances=on-demand\nQueueMax=7\n"
                "[Key photos]\nDirectory=/srv/%i\nAccess=read-only\nMountAt=/in\n"
                "[Key out]\nDirectory=/out\nAccess=read write create\n"
                "[Key web]\nListenStream=[::1]:8080\n"
                "[Key db]\nConnect=db.example:5432-5440\nAddressAllow=10.1.0.0/16 10.2.0.0/16\n"
                "[Key time]\nClockResolution=10ms\n"
                "[Limits]\nMemoryMax=64M\nCPUQuota=50%\nCPUTimeMax=5min\n"
                "[Import unzip]\nModule=/u.wasm\nKeys=photos/a/b:read-only db:10.1.2.0/24:5433 time:20ms random:4K stdout\n"
                "[Service]\nRestart=on-failure\nSuccessExitStatus=3 70\nTimeoutStopSec=2s\n";
        _cleanup_(unit_freep) struct unit *u = parse("thumbs@blue", text, NULL);
        const struct unit_import *import = &u->imports[0];

        ck_assert_str_eq(u->name, "thumbs@blue");
        ck_assert_str_eq(u->instance, "blue");
        ck_assert_str_eq(u->description, "Thumbs; all of them");
        ck_assert_uint_eq(u->after.n, 2);
        ck_assert_str_eq(u->after.words[1], "b.c");
        ck_assert_str_eq(u->module, "/m/thumbs.wasm");
        ck_assert_uint_eq(u->arguments.n, 6);
        ck_assert_str_eq(u->arguments.words[2], "a b");
        ck_assert_str_eq(u->arguments.words[3], "c \"d\"");
        ck_assert_str_eq(u->arguments.words[4], "%x");
        ck_assert_str_eq(u->arguments.words[5], "next");
        ck_assert_str_eq(u->environment.words[1], "X=y z");
        ck_assert(u->digest.given && u->digest.sha256[1] == 0x23 && u->digest.sha256[23] == 0xef);
        ck_assert_uint_eq(u->tier, UNIT_TIER_PEAK);
        ck_assert_str_eq(u->group, "gblue");
        ck_assert(u->on_demand && u->queue_max == 7 && u->instances_max == 1000);
        ck_assert_uint_eq(u->nkeys, 5 + 4); /* the clock is declared */
        ck_assert_str_eq(u->keys[0].path, "/srv/blue");
        ck_assert_str_eq(u->keys[0].mount, "/in");
        ck_assert_uint_eq(u->keys[0].verbs, VERB_READ);
        ck_assert_uint_eq(u->keys[1].verbs, VERB_READ | VERB_WRITE | VERB_CREATE);
        ck_assert_str_eq(u->keys[1].mount, "/out");
        ck_assert_str_eq(u->keys[2].host, "::1");
        ck_assert_uint_eq(u->keys[2].port, 8080);
        ck_assert_uint_eq(u->keys[3].port_last, 5440);
        ck_assert_uint_eq(u->keys[3].nnetworks, 2);
        ck_assert_uint_eq(u->keys[4].number, 10000000);
        ck_assert_uint_eq(u->limits.memory_max, 64 << 20);
        ck_assert_uint_eq(u->limits.cpu_quota, 50);
        ck_assert_uint_eq(u->limits.cpu_time_max_ns, 300000000000);
        ck_assert_uint_eq(u->limits.cpu_weight, 100);
        ck_assert_uint_eq(u->service.restart, RESTART_ON_FAILURE);
        ck_assert(u->service.success[0] == 8 && u->service.success[8] == 1 << 6);
        ck_assert_uint_eq(u->service.start_burst, 5);
        ck_assert_uint_eq(u->nimports, 1);
        ck_assert_uint_eq(import->nkeys, 5);
        ck_assert_str_eq(import->keys[0].key.path, "/srv/blue/a/b");
        ck_assert_str_eq(import->keys[0].key.mount, "/in/a/b");
        ck_assert_str_eq(import->keys[0].below, "a/b");
        ck_assert_ptr_eq(import->keys[0].from, &u->keys[0]);
        ck_assert_uint_eq(import->keys[1].key.port_last, 5433);
        ck_assert_uint_eq(import->keys[2].key.number, 20000000);
        ck_assert_uint_eq(import->keys[3].key.number, 4096);
        for (unsigned i = 0; i < import->nkeys; i++)
                ck_assert(key_contains(import->keys[i].from, &import->keys[i].key));
}
END_TEST

START_TEST(imports_come_behind_what_they_import_from)
{
        _cleanup_(unit_freep) struct unit *u =
                parse("u", HEAD "[Import a]\nModule=/a\nImports=c b\nUnkeyed=deny\n[Import b]\nModule=/b\nImports=c\n"
                                "[Import c]\nModule=/c\nMemoryMax=1M\nHostMemoryMax=2M\nOpenFilesMax=7\n[Import d]\nModule=/d\n", NULL);
        static const struct {
                const char *name;
                uint64_t sees;
                const char *line;
        } want[] = { { "c", 0, ":10" }, { "b", 1, ":7" }, { "a", 3, ":3" }, { "d", 0, ":15" } };

        ck_assert_uint_eq(u->nimports, ELEMENTSOF(want));
        for (unsigned i = 0; i < ELEMENTSOF(want); i++) {
                ck_assert_str_eq(u->imports[i].name, want[i].name);
                ck_assert_uint_eq(u->imports[i].sees, want[i].sees);
                ck_assert_str_eq(strrchr(u->imports[i].where, ':'), want[i].line);
                ck_assert_uint_eq(u->imports[i].unkeyed, i == 2 ? UNKEYED_DENY : UNKEYED_REFUSE);
        }
        ck_assert_uint_eq(u->imports[0].memory_max, 1 << 20);
        ck_assert_uint_eq(u->imports[0].host_memory_max, 2 << 20);
        ck_assert_uint_eq(u->imports[0].files_max, 7);
        ck_assert_uint_eq(u->imports[1].files_max, 1024);
}
END_TEST

START_TEST(defaults_are_few)
{
        _cleanup_(unit_freep) struct unit *u = parse("u", HEAD, NULL);

        ck_assert_uint_eq(u->nkeys, 5);
        ck_assert_uint_eq(unit_key(u, KEY_STDIO, 0)->target, TARGET_NULL);
        ck_assert_uint_eq(unit_key(u, KEY_STDIO, 1)->target, TARGET_LOG);
        ck_assert_uint_eq(unit_key(u, KEY_CLOCK, 0)->number, 1000);
        ck_assert_ptr_null(unit_key(u, KEY_DIRECTORY, 0));
        ck_assert(!u->on_demand && u->instances == 1);
        ck_assert_uint_eq(u->service.restart, RESTART_NO);
}
END_TEST

START_TEST(drop_ins_change_what_is_there)
{
        _cleanup_(unit_freep) struct unit *u =
                parse("u", HEAD "Arguments=a b\nEnvironment=A=1\n[Key k]\nDirectory=/a\nAccess=read-write\n",
                      "[Nanoprocess]\nModule=/n.wasm\nArguments=\nArguments=c\nEnvironment=B=2\n[Key k]\nAccess=read-only\n");

        ck_assert_str_eq(u->module, "/n.wasm");
        ck_assert_uint_eq(u->arguments.n, 1);
        ck_assert_str_eq(u->arguments.words[0], "c");
        ck_assert_uint_eq(u->environment.n, 2);
        ck_assert_str_eq(u->environment.words[0], "A=1");
        ck_assert_str_eq(u->keys[0].path, "/a");
        ck_assert_uint_eq(u->keys[0].verbs, VERB_READ);
        ck_assert_uint_eq(u->nfiles, 2);
}
END_TEST

START_TEST(an_error_in_a_drop_in_names_it)
{
        const struct unit_text texts[] = { { "u", HEAD, strlen(HEAD) }, { "d.conf", "[Limits]\nX=1\n", 13 } };
        struct seen seen = { 0 };
        const struct unit_problems problems = { count, &seen };
        struct unit *u = NULL;
        struct error err = { 0 };

        ck_assert_int_eq(unit_parse("u", texts, 2, &problems, &u, &err), -EINVAL);
        ck_assert_int_eq(strncmp(err.text, "d.conf:2:1: ", 12), 0);
}
END_TEST

START_TEST(all_mistakes_are_told)
{
        static const char text[] = "[Nanoprocess]\nX=1\nModule=/m\nTier=slow\n[Oh]\nignored=1\n[Limits]\nY=1\n";
        const struct unit_text texts = { "u", text, strlen(text) };
        struct seen seen = { 0 };
        const struct unit_problems problems = { count, &seen };
        struct unit *u = NULL;

        ck_assert_int_eq(unit_parse("u", &texts, 1, &problems, &u, NULL), -EINVAL);
        ck_assert_uint_eq(seen.n, 4);
}
END_TEST

/* Every prefix and every changed byte of a whole unit: refused or read, never worse. */
START_TEST(broken_texts_are_survived)
{
        static const char whole[] = HEAD "Arguments=\"a b\" %n \\\n c\n[Key k]\nConnect=[::1/128]:80\n"
                                         "[Import i]\nModule=/i\nKeys=k:*:80\n";
        char text[sizeof(whole)];

        for (size_t n = 0; n < sizeof(whole); n++) {
                for (unsigned c = 0; c < 256; c += n % 7 + 1) {
                        struct unit_text t = { "u", text, n };
                        struct unit *u = NULL;

                        memcpy(text, whole, n);
                        if (n)
                                text[(n * 31 + c) % n] = (char)c;
                        if (unit_parse("u", &t, 1, NULL, &u, NULL) == 0)
                                unit_free(u);
                }
        }
}
END_TEST

static const struct {
        const char *name;
        bool valid;
} names[] = {
        { "a", true }, { "a-b_c.d:e", true }, { "t@i", true }, { "t@1.2", true },
        { "", false }, { ".a", false }, { "-a", false }, { "@a", false }, { "a@", false }, { "a@b@c", false },
        { "a/b", false }, { "a b", false }, { "a\n", false },
};

START_TEST(names_are_checked)
{
        ck_assert(unit_name_valid(names[_i].name) == names[_i].valid);
}
END_TEST

static char directory[] = "/tmp/test-unit-XXXXXX";

static void put(const char *name, const char *text)
{
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", directory, name);
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        fclose(f);
}

static void make(const char *name)
{
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", directory, name);
        ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(files_are_found)
{
        char etc[64], usr[64];
        const char *directories[] = { etc, usr, "/nonexistent" };
        _cleanup_(unit_freep) struct unit *a = NULL, *b = NULL, *c = NULL;
        struct unit *none = (void *)0x1234;
        struct error err = { 0 };
        char **list;
        unsigned n;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(etc, sizeof(etc), "%s/etc", directory);
        snprintf(usr, sizeof(usr), "%s/usr", directory);
        make("etc");
        make("usr");
        make("etc/a.nacelle.d");
        make("usr/a.nacelle.d");
        put("usr/a.nacelle", "[Nanoprocess]\nModule=/usr.wasm\n");
        put("usr/t@.nacelle", "[Nanoprocess]\nModule=/%i.wasm\n");
        put("usr/README", "no unit\n");
        put("etc/b.nacelle", "[Nanoprocess]\nModule=/b.wasm\n");
        put("usr/b.nacelle", "[Nanoprocess]\nModule=/hidden.wasm\n");
        put("usr/a.nacelle.d/10-x.conf", "[Nanoprocess]\nArguments=hidden\n");
        put("etc/a.nacelle.d/10-x.conf", "[Nanoprocess]\nArguments=x\n");
        put("usr/a.nacelle.d/05-y.conf", "[Nanoprocess]\nArguments=y\n");
        put("usr/a.nacelle.d/notes.txt", "ignored\n");

        ck_assert_int_eq(unit_load(directories, 3, "a", NULL, &a, &err), 0);
        ck_assert_str_eq(a->module, "/usr.wasm");
        ck_assert_uint_eq(a->arguments.n, 2);
        ck_assert_str_eq(a->arguments.words[0], "y");
        ck_assert_str_eq(a->arguments.words[1], "x");
        ck_assert_int_eq(unit_load(directories, 3, "b", NULL, &b, &err), 0);
        ck_assert_str_eq(b->module, "/b.wasm");
        ck_assert_int_eq(unit_load(directories, 3, "t@x", NULL, &c, &err), 0);
        ck_assert_str_eq(c->module, "/x.wasm");
        ck_assert_int_eq(unit_load(directories, 3, "none", NULL, &none, &err), -ENOENT);
        ck_assert_int_eq(unit_load(directories, 3, "../etc/a", NULL, &none, &err), -EINVAL);
        ck_assert_int_eq(unit_read(etc, NULL, &none, &err), -EISDIR);
        ck_assert_ptr_eq(none, (void *)0x1234);

        ck_assert_int_eq(unit_list(directories, 3, &list, &n, &err), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_str_eq(list[0], "a");
        ck_assert_str_eq(list[1], "b");
        free(list[0]);
        free(list[1]);
        free(list);
        snprintf(etc, sizeof(etc), "rm -r %s", directory);
        ck_assert_int_eq(system(etc), 0);
}
END_TEST

/* Rows of one section have names of their own, ranges that hold their defaults. */
START_TEST(the_table_is_sound)
{
        for (unsigned i = 0; i < nsettings; i++) {
                const struct setting *s = &settings[i];

                for (unsigned k = 0; k < i; k++)
                        ck_assert(settings[k].section != s->section || strcmp(settings[k].name, s->name) != 0);
                if (s->initial && s->type != SETTING_CHOICE)
                        ck_assert_msg(s->initial >= s->least && s->initial <= s->most, "%s", s->name);
                ck_assert(s->text[0]);
        }
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("unit");

        tcase_add_loop_test(tc, a_mistake_has_its_place, 0, ELEMENTSOF(bad_rows));
        tcase_add_test(tc, the_whole_of_a_unit);
        tcase_add_test(tc, imports_come_behind_what_they_import_from);
        tcase_add_test(tc, defaults_are_few);
        tcase_add_test(tc, drop_ins_change_what_is_there);
        tcase_add_test(tc, an_error_in_a_drop_in_names_it);
        tcase_add_test(tc, all_mistakes_are_told);
        tcase_add_test(tc, broken_texts_are_survived);
        tcase_add_loop_test(tc, names_are_checked, 0, ELEMENTSOF(names));
        tcase_add_test(tc, files_are_found);
        tcase_add_test(tc, the_table_is_sound);
        return unit_main("unit", &tc, 1);
}
