/* test-parts.c - what nacelle-oci is made of, piece by piece: options, names, states, processes. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shim/oci/options.h"
#include "shim/oci/process.h"
#include "shim/oci/state.h"
#include "shim/oci/state_json.h"
#include "tests/unit/unit.h"

struct values {
        bool on, never;
        const char *text;
        unsigned count;
};

static const struct oci_option table[] = {
        { "on", 'o', OPTION_SWITCH, offsetof(struct values, on), "", NULL },
        { "never", 0, OPTION_SWITCH, offsetof(struct values, never), "", "because" },
        { "text", 't', OPTION_TEXT, offsetof(struct values, text), "", NULL },
        { "count", 0, OPTION_COUNT, offsetof(struct values, count), "", "too many" },
        { 0 },
};

static const struct {
        const char *words[5];
        int r;
        bool on;
        const char *text;
        unsigned n;         /* operands */
        const char *said;
} option_cases[] = {
        { { "ID" },                        0,       false, NULL,  1, "" },
        { { "--on", "ID" },                0,       true,  NULL,  1, "" },
        { { "-on", "ID" },                 0,       true,  NULL,  1, "" },
        { { "-o", "ID", "X" },             0,       true,  NULL,  2, "" },
        { { "ID", "--on" },                0,       true,  NULL,  1, "" },
        { { "--on=true" },                 0,       true,  NULL,  0, "" },
        { { "--on=false" },                0,       false, NULL,  0, "" },
        { { "--on=perhaps" },              -EINVAL, false, NULL,  0, "is true or false" },
        { { "--never=false" },             0,       false, NULL,  0, "" },
        { { "--never" },                   -EINVAL, false, NULL,  0, "option --never: because" },
        { { "--text", "a" },               0,       false, "a",   0, "" },
        { { "--text=a=b" },                0,       false, "a=b", 0, "" },
        { { "--text=" },                   0,       false, "",    0, "" },
        { { "--text" },                    -EINVAL, false, NULL,  0, "its value is missing" },
        { { "--count", "0" },              0,       false, NULL,  0, "" },
        { { "--count", "1" },              -EINVAL, false, NULL,  0, "too many" },
        { { "--count", "-1" },             -EINVAL, false, NULL,  0, "is a whole number" },
        { { "--count", "99999999999999999999" }, -EINVAL, false, NULL, 0, "is a whole number" },
        { { "--other" },                   -EINVAL, false, NULL,  0, "there is none of this name" },
        { { "--o" },                       0,       true,  NULL,  0, "" },
        { { "--", "--on" },                0,       false, NULL,  1, "" },
        { { "-" },                         0,       false, NULL,  1, "" },
};

START_TEST(options)
{
        const char *operands[5];
        struct values v = { 0 };
        struct error err = { 0 };
        unsigned n = 77;
        int argc = 0;

        while (argc < 5 && option_cases[_i].words[argc])
                argc++;
        ck_assert_int_eq(oci_options_parse(table, &v, argc, (char **)option_cases[_i].words, true, operands, &n, NULL, &err),
                         option_cases[_i].r);
        ck_assert_msg(strstr(err.text, option_cases[_i].said), "%s", err.text);
        if (option_cases[_i].r < 0) {
                ck_assert_uint_eq(n, 77);
                return;
        }
        ck_assert_uint_eq(n, option_cases[_i].n);
        ck_assert(v.on == option_cases[_i].on);
        ck_assert_pstr_eq(v.text, option_cases[_i].text);
}
END_TEST

static const struct { const char *id; int r; } id_cases[] = {
        { "a", 0 }, { "A9_+.-", 0 }, { "...", 0 }, { ".hidden", 0 },
        { "", -EINVAL }, { ".", -EINVAL }, { "..", -EINVAL }, { "a/b", -EINVAL }, { "/", -EINVAL }, { "a b", -EINVAL },
        { "a\n", -EINVAL }, { "\xc3\xa4", -EINVAL }, { "a%", -EINVAL },
};

START_TEST(ids)
{
        struct error err = { 0 };

        ck_assert_int_eq(oci_id_check(id_cases[_i].id, &err), id_cases[_i].r);
        ck_assert_int_eq(err.code, id_cases[_i].r);
}
END_TEST

#define GOOD "\"id\":\"a\",\"bundle\":\"/b\",\"created\":\"now\",\"owner\":0,\"pid\":5,\"start\":6"

static const struct { const char *text; int r; } state_cases[] = {
        { "{" GOOD "}", 0 },
        { "{" GOOD ",\"annotations\":{\"x\":\"y\"}}", 0 },
        { "{" GOOD ",\"annotations\":[]}", -EBADMSG },
        { "", -EBADMSG },
        { "[]", -EBADMSG },
        { "{" GOOD, -EBADMSG },
        { "{\"id\":\"a\"}", -EBADMSG },
        { "{" GOOD ",\"pid\":-5}", -EBADMSG },
        { "{" GOOD ",\"pid\":4294967296}", -EBADMSG },
        { "{" GOOD ",\"pid\":\"5\"}", -EBADMSG },
        { "{" GOOD ",\"start\":-1}", -EBADMSG },
        { "{" GOOD ",\"id\":7}", -EBADMSG },
        { "{" GOOD ",\"annotations\":{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}}", -EBADMSG },
};

START_TEST(states)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
        struct error err = { 0 };

        ck_assert_int_eq(oci_state_parse(state_cases[_i].text, strlen(state_cases[_i].text), &s, &err), state_cases[_i].r);
        ck_assert_int_eq(err.code, state_cases[_i].r);
        ck_assert_int_eq(s.process.pid, state_cases[_i].r ? 0 : 5);
}
END_TEST

START_TEST(a_process_is_its_number_and_its_birth)
{
        struct oci_process p = { 0 };
        int status, fd;
        pid_t pid = fork();

        if (pid == 0) {
                pause();
                _exit(0);
        }
        ck_assert_int_eq(oci_process_of(pid, &p), 0);
        ck_assert_int_eq(p.pid, pid);
        fd = oci_process_open(&p);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(oci_process_await(fd, 0), -ETIMEDOUT);
        p.start++;
        ck_assert_int_eq(oci_process_open(&p), -ESRCH);
        p.start--;
        ck_assert_int_eq(oci_process_signal(fd, SIGKILL), 0);
        ck_assert_int_eq(oci_process_await(fd, 10000), 0);
        /* Nobody has awaited it: it has ended all the same. */
        ck_assert_int_eq(oci_process_open(&p), -ESRCH);
        waitpid(pid, &status, 0);
        ck_assert_int_eq(oci_process_open(&p), -ESRCH);
        ck_assert_int_eq(oci_process_of(pid, &p), -ESRCH);
        close(fd);
        ck_assert_int_eq(oci_process_open(&(struct oci_process) { 0 }), -ESRCH);
}
END_TEST

START_TEST(a_state_is_whole_or_absent)
{
        char root[] = "/tmp/nacelle-state.XXXXXX";
        struct oci_state s = OCI_STATE_NONE, again = OCI_STATE_NONE;
        struct error err = { 0 };
        struct stat st;
        char path[64];

        ck_assert_ptr_nonnull(mkdtemp(root));
        ck_assert_int_eq(oci_state_open(root, "a", true, &s, &err), -ENOENT);
        ck_assert_int_eq(oci_state_new(root, "a", &s, NULL), 0);
        ck_assert_int_eq(oci_state_new(root, "a", &again, NULL), -EEXIST);
        ck_assert_int_eq(oci_state_open(root, "a", false, &again, NULL), -ENOENT);
        oci_state_done(&s);
        snprintf(path, sizeof(path), "%s/a", root);
        ck_assert_int_ne(stat(path, &st), 0);

        ck_assert_int_eq(oci_state_new(root, "a", &s, NULL), 0);
        s.bundle = strdup("/b");
        s.created = strdup("now");
        s.process = (struct oci_process) { 1, 1 };
        ck_assert_int_eq(oci_state_write(&s, NULL), 0);
        oci_state_done(&s);
        snprintf(path, sizeof(path), "%s/a/state.json", root);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
        ck_assert_int_eq(oci_state_new(root, "a", &again, NULL), -EEXIST);
        ck_assert_int_eq(oci_state_open(root, "a", true, &again, NULL), 0);
        ck_assert_str_eq(again.bundle, "/b");
        ck_assert_int_eq(oci_state_status(&again), OCI_STOPPED);
        ck_assert_int_eq(oci_state_remove(&again, NULL), 0);
        oci_state_done(&again);
        ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("parts");

        tcase_add_loop_test(tc, options, 0, ELEMENTSOF(option_cases));
        tcase_add_loop_test(tc, ids, 0, ELEMENTSOF(id_cases));
        tcase_add_loop_test(tc, states, 0, ELEMENTSOF(state_cases));
        tcase_add_test(tc, a_process_is_its_number_and_its_birth);
        tcase_add_test(tc, a_state_is_whole_or_absent);
        return unit_main("oci", &tc, 1);
}
