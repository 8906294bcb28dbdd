/* test-broker.c - modules in a real cell, through the broker's interface: results, traps, ends. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/text/text.h"
#include "supervisor/broker/found.h"
#include "supervisor/broker/internal.h"
#include "supervisor/broker/listen.h"
#include "supervisor/proto/exits.h"
#include "tests/unit/unit.h"

static struct error err;
static struct run_outcome outcome;
static char cache[40];

static void setup(void)
{
        broker_programs(BUILD_DIR);
        strcpy(cache, "/tmp/nacelle-broker-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(cache));
        err = (struct error) { 0 };
}

static void teardown(void)
{
        char command[64];

        snprintf(command, sizeof(command), "rm -rf %s", cache);
        ck_assert_int_eq(system(command), 0);
}

/* A file with the module that the text describes. */
static int module_fd(const char *wat)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        int fd = memfd_create("module", MFD_CLOEXEC);

        ck_assert_msg(text_module_to_binary(wat, strlen(wat), &b, &err) == 0, "%s", err.text);
        ck_assert_int_eq(write(fd, b.bytes, b.size), (ssize_t)b.size);
        return fd;
}

static struct run_options options(void)
{
        return (struct run_options) { .cache = cache, .spectest = true, .closed_stdio = true };
}

static struct broker *start(void)
{
        struct run_options o = options();
        struct broker *b = NULL;

        ck_assert_msg(broker_start(&o, 1 << 20, &b, &err) == 0, "%s", err.text);
        ck_assert_str_eq(broker_missing(b), "");
        return b;
}

static uint32_t load(struct broker *b, const char *wat)
{
        struct run_options o = options();
        int fd = module_fd(wat), artefact = -EBADF;
        uint32_t module = 0;

        ck_assert_msg(broker_artefact(&o, fd, &artefact, &err) == 0, "%s", err.text);
        ck_assert_msg(broker_load(b, artefact, &module, &err) == 0, "%s", err.text);
        close(fd);
        close(artefact);
        return module;
}

static uint32_t instantiate(struct broker *b, const char *wat)
{
        uint32_t instance = 0;

        ck_assert_msg(broker_instantiate(b, load(b, wat), &instance, &outcome, &err) == 0, "%s",
                      err.text);
        ck_assert_int_eq(outcome.end, RUN_RETURNED);
        return instance;
}

static int call(struct broker *b, uint32_t instance, const char *name, const struct run_value *args,
                unsigned n)
{
        return broker_call(b, instance, name, strlen(name), args, n, &outcome, &err);
}

static const char calculator[] =
        "(module $calculator (memory 1) (global (export \"g\") i64 (i64.const 77))"
        " (func $divide (export \"divide\") (param i32 i32) (result i32)"
        "  (i32.div_s (local.get 0) (local.get 1)))"
        " (func $outer (export \"outer\") (result i32) (call $divide (i32.const 1) (i32.const 0)))"
        " (func (export \"two\") (result i64 f64) (i64.const -2) (f64.const 0.5))"
        " (func (export \"peek\") (param i32) (result i32) (i32.load (local.get 0)))"
        " (func $deep (export \"deep\") (call $deep))"
        " (func (export \"spin\") (loop (br 0))))";

START_TEST(results)
{
        _cleanup_(broker_stopp) struct broker *b = start();
        uint32_t i = instantiate(b, calculator);
        struct run_value args[2] = { { VAL_I32, { .i32 = 84 } }, { VAL_I32, { .i32 = 2 } } }, g;

        ck_assert_int_eq(call(b, i, "divide", args, 2), 0);
        ck_assert_int_eq(outcome.end, RUN_RETURNED);
        ck_assert_uint_eq(outcome.nresults, 1);
        ck_assert_uint_eq(outcome.results[0].type, VAL_I32);
        ck_assert_uint_eq(outcome.results[0].value.i32, 42);
        ck_assert_str_eq(outcome.text, "");
        ck_assert_int_eq(call(b, i, "two", NULL, 0), 0);
        ck_assert_uint_eq(outcome.nresults, 2);
        ck_assert_uint_eq(outcome.results[0].value.i64, (uint64_t)-2);
        ck_assert(outcome.results[1].value.f64 == 0.5);
        ck_assert_int_eq(broker_global(b, i, "g", 1, &g, &err), 0);
        ck_assert_uint_eq(g.value.i64, 77);
}
END_TEST

START_TEST(calls_that_do_not_fit)
{
        _cleanup_(broker_stopp) struct broker *b = start();
        uint32_t i = instantiate(b, calculator);
        struct run_value args[2] = { { VAL_I64, { 0 } }, { VAL_I32, { 0 } } };

        ck_assert_int_eq(call(b, i, "nothing", NULL, 0), -ENOENT);
        ck_assert_int_eq(call(b, i, "g", NULL, 0), -ENOENT);
        ck_assert_int_eq(call(b, i, "divide", args, 1), -EINVAL);
        ck_assert_int_eq(call(b, i, "divide", args, 2), -EINVAL);
        ck_assert_int_eq(call(b, 99, "divide", args, 2), -EINVAL);
        ck_assert_int_eq(broker_register(b, 99, "x", 1, &err), -EINVAL);
        ck_assert_int_eq(call(b, i, "two", NULL, 0), 0); /* the cell is well */
}
END_TEST

START_TEST(a_trap_has_its_frames)
{
        _cleanup_(broker_stopp) struct broker *b = start();
        uint32_t i = instantiate(b, calculator);
        struct run_value at = { VAL_I32, { .i32 = 65536 } };

        ck_assert_int_eq(call(b, i, "outer", NULL, 0), 0);
        ck_assert_int_eq(outcome.end, RUN_TRAPPED);
        ck_assert_int_eq(outcome.status, STATUS_TRAP);
        ck_assert_int_eq(outcome.trap, TRAP_DIVIDE_BY_ZERO);
        ck_assert_ptr_nonnull(strstr(outcome.text, "trap: integer divide by zero\n    at divide (function 0,"));
        ck_assert_ptr_nonnull(strstr(outcome.text, "\n    at outer (function 1, wasm offset 0x"));
        ck_assert_int_eq(call(b, i, "peek", &at, 1), 0);
        ck_assert_int_eq(outcome.trap, TRAP_MEMORY_BOUNDS);
        ck_assert_int_eq(call(b, i, "deep", NULL, 0), 0);
        ck_assert_int_eq(outcome.trap, TRAP_STACK_EXHAUSTED);
        ck_assert_ptr_nonnull(strstr(outcome.text, " more"));
        ck_assert_int_eq(call(b, i, "two", NULL, 0), 0);
        ck_assert_int_eq(outcome.end, RUN_RETURNED);
}
END_TEST

START_TEST(imports)
{
        _cleanup_(broker_stopp) struct broker *b = start();
        static const char user[] =
                "(module (import \"calc\" \"divide\" (func $d (param i32 i32) (result i32)))"
                " (import \"spectest\" \"global_i32\" (global $g i32))"
                " (func (export \"f\") (result i32) (call $d (global.get $g) (i32.const 6))))";
        uint32_t i = instantiate(b, calculator), module, none = 4711;

        module = load(b, user);
        ck_assert_int_eq(broker_instantiate(b, module, &none, &outcome, &err), -EINVAL);
        ck_assert_int_eq(err.stage, STAGE_LINK);
        ck_assert_ptr_nonnull(strstr(err.text, "unknown import"));
        ck_assert_ptr_nonnull(strstr(err.text, "calc"));
        ck_assert_uint_eq(none, 4711);
        ck_assert_int_eq(error_status(&err), STATUS_BAD_DATA);

        ck_assert_int_eq(broker_register(b, i, "calc", 4, &err), 0);
        ck_assert_int_eq(broker_instantiate(b, module, &i, &outcome, &err), 0);
        ck_assert_int_eq(call(b, i, "f", NULL, 0), 0);
        ck_assert_uint_eq(outcome.results[0].value.i32, 111);

        module = load(b, "(module (import \"calc\" \"divide\" (func (param f32))))");
        ck_assert_int_eq(broker_instantiate(b, module, &i, &outcome, &err), -EINVAL);
        ck_assert_ptr_nonnull(strstr(err.text, "incompatible import type"));
}
END_TEST

START_TEST(a_start_function_that_traps)
{
        _cleanup_(broker_stopp) struct broker *b = start();
        uint32_t module = load(b, "(module (func $s unreachable) (start $s))"), instance = 4711;

        ck_assert_int_eq(broker_instantiate(b, module, &instance, &outcome, &err), 0);
        ck_assert_int_eq(outcome.end, RUN_TRAPPED);
        ck_assert_int_eq(outcome.trap, TRAP_UNREACHABLE);
        ck_assert_uint_eq(instance, 4711);
}
END_TEST

START_TEST(an_arena_that_is_full)
{
        struct run_options o = options();
        _cleanup_(broker_stopp) struct broker *b = NULL;
        int artefact = -EBADF;
        uint32_t module = 4711;

        ck_assert_int_eq(broker_start(&o, 4096, &b, &err), 0);
        load(b, calculator);
        ck_assert_int_eq(broker_artefact(&o, module_fd(calculator), &artefact, &err), 0);
        ck_assert_int_eq(broker_load(b, artefact, &module, &err), -ENOSPC);
        ck_assert_uint_eq(module, 4711);
}
END_TEST

START_TEST(a_cell_that_dies_is_reported_once)
{
        _cleanup_(broker_stopp) struct broker *b = start();
        uint32_t i = instantiate(b, calculator);

        ck_assert_int_eq(kill(broker_pid(b), SIGKILL), 0);
        ck_assert_int_eq(call(b, i, "two", NULL, 0), 0);
        ck_assert_int_eq(outcome.end, RUN_CELL_LOST);
        ck_assert_int_eq(outcome.status, STATUS_INTERNAL);
        ck_assert_ptr_nonnull(strstr(outcome.text, "killed by signal 9"));
        ck_assert_int_eq(call(b, i, "two", NULL, 0), -EPIPE);
        ck_assert_int_eq(broker_register(b, i, "x", 1, &err), -EPIPE);
}
END_TEST

START_TEST(a_start_up_without_an_end)
{
        struct run_options o = options();
        int fd = module_fd("(module (func (export \"_initialize\") (loop br 0)))"), artefact = -EBADF;

        o.timeout_ms = 300;
        ck_assert_int_eq(broker_preinit(&o, fd, NULL, &artefact, &err), -EOPNOTSUPP);
        ck_assert_ptr_nonnull(strstr(err.text, "_initialize cannot be done once for all: it takes too long"));
        ck_assert_int_eq(artefact, -EBADF);
        close(fd);
}
END_TEST

/* A module as a file, for broker_run(). */
static const char *module_file(const char *wat)
{
        static char path[64];
        _cleanup_(buffer_done) struct buffer b = { 0 };
        int fd;

        snprintf(path, sizeof(path), "%s/module.wasm", cache);
        fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
        ck_assert_int_eq(text_module_to_binary(wat, strlen(wat), &b, &err), 0);
        ck_assert_int_eq(write(fd, b.bytes, b.size), (ssize_t)b.size);
        close(fd);
        return path;
}

static const struct {
        const char *name, *wat, *invoke, *args[4];
        unsigned nargs;
        uint64_t timeout_ms;
        int r;
        enum run_end end;
        int status;
        const char *text; /* of the error or of the outcome */
} runs[] = {
        { "returns", "(module (func (export \"_start\")))", NULL, { "m" }, 1, 0, 0, RUN_RETURNED, 0, "" },
        { "exits",
          "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $x (param i32)))"
          " (memory (export \"memory\") 1) (func (export \"_start\") (call $x (i32.const 7))))",
          NULL, { "m" }, 1, 0, 0, RUN_EXITED, 7, "" },
        { "traps", "(module (func (export \"_start\") unreachable))", NULL, { "m" }, 1, 0, 0,
          RUN_TRAPPED, 134, "trap: unreachable" },
        { "spins", "(module (func (export \"_start\") (loop (br 0))))", NULL, { "m" }, 1, 50, 0,
          RUN_TIMED_OUT, 124, "its time was over" },
        { "invoked", "(module (func (export \"add\") (param i32 i64) (result i64)"
          " (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1))))",
          "add", { "m", "-3", "0x10" }, 3, 0, 0, RUN_RETURNED, 0, "" },
        { "too few arguments", "(module (func (export \"f\") (param i32)))", "f", { "m" }, 1, 0, -EINVAL,
          0, 64, "takes 1" },
        { "bad argument", "(module (func (export \"f\") (param i32)))", "f", { "m", "4294967296" }, 2, 0,
          -EINVAL, 0, 64, "argument 1" },
        { "half a number", "(module (func (export \"f\") (param f64)))", "f", { "m", "1.5x" }, 2, 0,
          -EINVAL, 0, 64, "argument 1" },
        { "no _start", "(module)", NULL, { "m" }, 1, 0, -ENOENT, 0, 65, "_start" },
        { "no such export", "(module)", "f", { "m" }, 1, 0, -ENOENT, 0, 65, "no function f" },
        { "unknown import", "(module (import \"a\" \"b\" (func)) (func (export \"_start\")))", NULL,
          { "m" }, 1, 0, -EINVAL, 0, 65, "unknown import" },
};

START_TEST(runs_to_their_end)
{
        struct run_options o = { .cache = cache, .args = runs[_i].args, .nargs = runs[_i].nargs,
                                 .invoke = runs[_i].invoke, .timeout_ms = runs[_i].timeout_ms };
        const char *path = module_file(runs[_i].wat);
        int r = broker_run(&o, path, &outcome, &err);

        ck_assert_msg(r == runs[_i].r, "%s: %s", runs[_i].name, err.text);
        if (r < 0) {
                ck_assert_msg(strstr(err.text, runs[_i].text), "%s", err.text);
                ck_assert_int_eq(error_status(&err), runs[_i].status);
                return;
        }
        ck_assert_int_eq(outcome.end, runs[_i].end);
        ck_assert_int_eq(outcome.status, runs[_i].status);
        ck_assert_msg(strstr(outcome.text, runs[_i].text), "%s", outcome.text);
        if (strcmp(runs[_i].name, "invoked") == 0)
                ck_assert_uint_eq(outcome.results[0].value.i64, 13);
}
END_TEST

START_TEST(files_that_cannot_run)
{
        static const struct {
                const char *path;
                int code, status;
        } rows[] = {
                { "/nonexistent/file", -ENOENT, STATUS_NO_INPUT },
                { "/", -EISDIR, STATUS_NO_INPUT },
                { "/dev/null", -EACCES, STATUS_NO_INPUT },
        };
        struct run_options o = options();

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                err = (struct error) { 0 };
                ck_assert_msg(broker_run(&o, rows[i].path, &outcome, &err) == rows[i].code, "%s: %s",
                              rows[i].path, err.text);
                ck_assert_int_eq(error_status(&err), rows[i].status);
        }
}
END_TEST

START_TEST(a_bad_module_is_told_by_its_byte)
{
        static const uint8_t bytes[] = { 0, 'a', 's', 'm', 1, 0, 0, 0, 1, 0x7f };
        struct run_options o = options();
        int fd = memfd_create("module", MFD_CLOEXEC), artefact = 4711;

        ck_assert_int_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
        ck_assert_int_eq(broker_artefact(&o, fd, &artefact, &err), -EBADMSG);
        ck_assert_int_eq(err.stage, STAGE_DECODE);
        ck_assert_uint_le(err.offset, sizeof(bytes));
        ck_assert_int_eq(artefact, 4711);
        err = (struct error) { 0 };
        ck_assert_int_eq(broker_check(&o, fd, &err), -EBADMSG);
        ck_assert_int_eq(error_status(&err), STATUS_BAD_DATA);
        ck_assert_int_eq(broker_check(&o, module_fd(calculator), &err), 0);
}
END_TEST

/* The second time no compiler is needed: there is none to be found. */
START_TEST(the_second_time_comes_from_the_cache)
{
        struct run_options o = options();
        int fd = module_fd(calculator), artefact = -EBADF, other = 4711;

        ck_assert_int_eq(broker_artefact(&o, fd, &artefact, &err), 0);
        ck_assert_int_ge(artefact, 0);
        broker_programs("/nonexistent");
        ck_assert_int_eq(broker_artefact(&o, fd, &artefact, &err), 0);
        o.no_cache = true;
        ck_assert_int_lt(broker_artefact(&o, fd, &other, &err), 0);
        ck_assert_int_eq(other, 4711);
        ck_assert_ptr_nonnull(strstr(err.text, "nacelle-compiler"));
}
END_TEST

static int find(int fd, struct found *ret)
{
        struct run_options o = options();

        return artefact_find(&o, fd, ret, &err);
}

/* One file with a stamp: the key is known without a hash, until the file is another. */
START_TEST(a_stamp_is_about_one_file)
{
        static const char wat[] = "(module (func (export \"f\") (result i32) (i32.const 51)))";
        struct found f = { .fd = -EBADF, .cache = -EBADF };
        struct stamp stamp;
        struct artefact_key key;
        int fd = open(module_file(wat), O_RDWR);
        char byte;

        ck_assert_int_eq(find(fd, &f), 0);
        ck_assert(f.whole);
        ck_assert(!f.stampable); /* changed just now */
        found_done(&f);

        sleep(3);
        ck_assert_int_eq(find(fd, &f), 0);
        ck_assert(f.stampable && !f.whole && f.storing == 0); /* found by its key: somebody has to make the checksum */
        artefact_is_whole(&f);
        key = f.key;
        found_done(&f);

        ck_assert_int_eq(find(fd, &f), 0);
        ck_assert(f.stampable && f.whole);
        ck_assert_mem_eq(&f.key, &key, sizeof(key));
        ck_assert_int_eq(stamp_find(f.cache, &f.module, &(struct artefact_choice) { .tier = TIER_FAST, .cpu = f.choice.cpu },
                                    &stamp), 0);
        ck_assert_int_eq(stamp_find(f.cache, &f.module, &(struct artefact_choice) { .tier = TIER_PEAK, .cpu = f.choice.cpu },
                                    &stamp), -ENOENT);
        ck_assert_int_eq(stamp_find(f.cache, &f.module, &(struct artefact_choice) { .tier = TIER_FAST, .cpu = f.choice.cpu + 1 },
                                    &stamp), -ENOENT);
        ck_assert_int_eq(stamp_find(f.cache, &f.module,
                                    &(struct artefact_choice) { .tier = TIER_FAST, .cpu = f.choice.cpu,
                                                                .deterministic = true }, &stamp), -ENOENT);
        found_done(&f);

        /* 51 becomes 50: as long as before, and another module */
        for (off_t at = 8; pread(fd, &byte, 1, at) == 1; at++)
                if (byte == 0x33)
                        ck_assert_int_eq(pwrite(fd, "\x32", 1, at), 1);
        ck_assert_int_eq(find(fd, &f), 0);
        ck_assert(memcmp(&f.key, &key, sizeof(key)) != 0 || !f.stampable);
        found_done(&f);

        ck_assert_int_eq(fchmod(fd, 0666), 0); /* anybody may write it */
        ck_assert(!stamp_identity(fd, false, &f.module));
        close(fd);
}
END_TEST

START_TEST(listening_addresses)
{
        static const struct {
                const char *text;
                int r; /* 0: a socket */
        } rows[] = {
                { "tcp:127.0.0.1:0", 0 },        { "tcp:[::1]:0", 0 },
                { "tcp:0.0.0.0:0", 0 },          { "udp:127.0.0.1:0", -EINVAL },
                { "tcp:localhost:0", -EINVAL },  { "tcp:127.0.0.1", -EINVAL },
                { "tcp:127.0.0.1:", -EINVAL },   { "tcp:127.0.0.1:65536", -EINVAL },
                { "tcp:127.0.0.1:1x", -EINVAL }, { "tcp:127.0.0.1:-1", -EINVAL },
                { "tcp:::1:80", -EINVAL },       { "tcp:[127.0.0.1]:80", -EINVAL },
                { "", -EINVAL },                 { "tcp:", -EINVAL },
                { "tcp:192.0.2.1:1", -EADDRNOTAVAIL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int fd;

                err = (struct error) { 0 };
                fd = listen_open(rows[i].text, &err);
                if (fd < 0 && err.code == -EAFNOSUPPORT)
                        continue; /* a kernel without IPv6 */
                if (fd < 0 && strstr(rows[i].text, "::1") && err.code == -EADDRNOTAVAIL)
                        continue;
                ck_assert_msg(rows[i].r < 0 ? fd == rows[i].r : fd >= 0, "%s: %d", rows[i].text, fd);
                if (fd >= 0)
                        close(fd);
        }
}
END_TEST

START_TEST(words_of_a_cell_are_escaped)
{
        char text[64];

        ck_assert_str_eq(text_escape("a\x1b[31mb\n\\\xff", 10, text, sizeof(text)),
                         "a\\x1b[31mb\\x0a\\x5c\\xff");
        ck_assert_str_eq(text_escape("abc\0def", 7, text, sizeof(text)), "abc");
        ck_assert_str_eq(text_escape("abcdefgh", 8, text, 7), "abc");
}
END_TEST

START_TEST(ends_of_processes)
{
        char text[64];

        ck_assert_str_eq(process_end_text(&(struct process_end) { 0, 3 }, text, sizeof(text)),
                         "exited with status 3");
        ck_assert_ptr_nonnull(strstr(process_end_text(&(struct process_end) { 11, 0 }, text,
                                                      sizeof(text)), "killed by signal 11"));
}
END_TEST

START_TEST(a_cell_that_ends_by_itself_says_why)
{
        static const int others[] = { -1, 0, 1, 69, 76, 127, 128, 256 };
        char text[128] = "as it was";

        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                ck_assert(!cell_exit_text(others[i], text, sizeof(text)));
                ck_assert_str_eq(text, "as it was");
        }
        for (int status = CELL_EXIT_TOLD; status <= CELL_EXIT_WAKE; status++) {
                text[0] = '\0';
                ck_assert(cell_exit_text(status, text, sizeof(text)));
                ck_assert_uint_gt(strlen(text), 10);
        }
        ck_assert(cell_exit_text(CELL_EXIT_RING + EBADF, text, sizeof(text)));
        ck_assert_str_eq(text, "waiting in its ring failed: Bad file descriptor");
}
END_TEST

START_TEST(a_helper_starts_with_what_it_is_given)
{
        char *argv[] = { (char *)"sh", (char *)"-c",
                         (char *)"test -z \"$HOME$NACELLE_TEST\" && test ! -e /proc/self/fd/5 && "
                                 "test -e /proc/self/fd/4 && exit 42", NULL };
        struct process p = { 0 };
        struct process_end end = { 0 };
        int spare = open("/dev/null", O_RDONLY);

        ck_assert_int_eq(dup2(spare, 9), 9); /* not on the list */
        setenv("NACELLE_TEST", "leaks", 1);
        ck_assert_int_eq(process_start("/bin/sh", argv, (int[]) { -EBADF, -EBADF, 2, spare, spare }, 5, -EBADF, &p,
                                       &err), 0);
        ck_assert_int_eq(process_wait(&p, &end), 0);
        ck_assert_int_eq(end.signal, 0);
        ck_assert_int_eq(end.status, 42);
        ck_assert_int_eq(p.pid, 0);
        ck_assert_int_eq(process_wait(&p, &end), -ECHILD);
        ck_assert_int_eq(process_start("/nonexistent", argv, NULL, 0, -EBADF, &p, &err), -ENOENT);
        ck_assert_int_eq(p.pid, 0);
}
END_TEST

/* What says that it goes on as another child is believed when that is one, and it ends by itself. */
START_TEST(a_process_is_followed)
{
        char *short_argv[] = { (char *)"true", NULL }, *long_argv[] = { (char *)"sleep", (char *)"60", NULL };
        struct process first = { 0 }, other = { 0 }, before;
        struct process_end end;

        ck_assert_int_eq(process_start("/bin/true", short_argv, NULL, 0, -EBADF, &first, &err), 0);
        ck_assert_int_eq(process_start("/bin/sleep", long_argv, NULL, 0, -EBADF, &other, &err), 0);
        before = first;
        ck_assert_int_eq(process_follow(&first, getpid()), -ESRCH);
        ck_assert_int_eq(process_follow(&first, getppid()), -ESRCH);
        ck_assert_int_eq(process_follow(&first, first.pid), -ESRCH);
        ck_assert_int_eq(process_follow(&first, 0), -ESRCH);
        ck_assert_int_eq(process_follow(&first, -1), -ESRCH);
        ck_assert_mem_eq(&first, &before, sizeof(first));
        ck_assert_int_eq(process_follow(&first, other.pid), 0);
        ck_assert_int_eq(first.pid, other.pid);
        close(other.pidfd);
        process_kill(&first);
        ck_assert_int_eq(process_wait(&first, &end), 0);
        ck_assert_int_eq(end.signal, SIGKILL);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left behind */
}
END_TEST

int main(void)
{
        TCase *cell = tcase_create("cell"), *parts = tcase_create("parts");

        /* Outside of the tests' own processes: broker_run() locks its process for good. */
        tcase_add_unchecked_fixture(cell, setup, teardown);
        tcase_set_timeout(cell, 60);
        tcase_add_test(cell, results);
        tcase_add_test(cell, calls_that_do_not_fit);
        tcase_add_test(cell, a_trap_has_its_frames);
        tcase_add_test(cell, imports);
        tcase_add_test(cell, a_start_function_that_traps);
        tcase_add_test(cell, an_arena_that_is_full);
        tcase_add_test(cell, a_cell_that_dies_is_reported_once);
        tcase_add_test(cell, a_start_up_without_an_end);
        tcase_add_loop_test(cell, runs_to_their_end, 0, ELEMENTSOF(runs));
        tcase_add_test(cell, files_that_cannot_run);
        tcase_add_test(cell, a_bad_module_is_told_by_its_byte);
        tcase_add_test(cell, the_second_time_comes_from_the_cache);
        tcase_add_test(cell, a_stamp_is_about_one_file);
        tcase_add_test(parts, listening_addresses);
        tcase_add_test(parts, words_of_a_cell_are_escaped);
        tcase_add_test(parts, ends_of_processes);
        tcase_add_test(parts, a_cell_that_ends_by_itself_says_why);
        tcase_add_test(parts, a_helper_starts_with_what_it_is_given);
        tcase_add_test(parts, a_process_is_followed);
        return unit_main("broker", (TCase *[]) { cell, parts }, 2);
}
