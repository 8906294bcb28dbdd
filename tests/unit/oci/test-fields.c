/* What holds of every row of fields.def, made from the table itself; and the table in docs/containers.md, which
 * test-fields --print writes. */
#include "config.h"

#include "tests/unit/oci/bundle.h"
#include "tests/unit/unit.h"

/* A place of the row: "[]" is the first element, "*" a member of that name. */
static void instance_of(const struct field *row, char *path, size_t size)
{
        size_t n = 0;

        for (const char *p = row->path; *p && n + 4 < size; p++) {
                if (p[0] == '[' && p[1] == ']') {
                        n += (size_t)snprintf(path + n, size - n, "[0]");
                        p++;
                } else if (*p == '*') {
                        path[n++] = 'm';
                } else {
                        path[n++] = *p;
                }
        }
        path[n] = '\0';
}

static struct json_object *value_of(enum field_type type)
{
        struct json_object *o;

        switch (type) {
        case FIELD_OBJECT:
        case FIELD_MAP:
                o = json_object_new_object();
                json_object_object_add(o, "m", json_object_new_object());
                return o;
        case FIELD_ARRAY:
                o = json_object_new_array();
                json_object_array_add(o, json_object_new_object());
                return o;
        case FIELD_STRING:
                return json_object_new_string("strange");
        case FIELD_BOOL:
                return json_object_new_boolean(true);
        default:
                return json_object_new_int(1);
        }
}

/* The refusal of @value at the row's place begins with its path. */
static void refused(const struct field *row, struct json_object *value, const char *more, int code)
{
        struct oci_plan *plan = NULL;
        struct error err = { 0 };
        char path[256], expected[600];
        char *text;
        int r;

        instance_of(row, path, sizeof(path));
        text = config_with(path, NULL, value);
        r = oci_plan_parse(text, strlen(text), bundle, &plan, &err);
        snprintf(expected, sizeof(expected), "%s%s", path, more);
        ck_assert_msg(r == code, "%s: %d, not %d: %s", path, r, code, err.text);
        ck_assert_ptr_null(plan);
        ck_assert_msg(strncmp(without_place(err.text), expected, strlen(expected)) == 0, "%s: %s", expected, err.text);
        free(text);
}

START_TEST(a_wrong_type_is_refused)
{
        const struct field *row = &oci_fields[_i];

        if (*row->path)
                refused(row, row->type == FIELD_STRING ? json_object_new_int(1) : json_object_new_string("x"), ": is not ", -EINVAL);
}
END_TEST

START_TEST(what_is_refused_is_refused)
{
        const struct field *row = &oci_fields[_i];
        char more[256];

        if (row->verdict != VERDICT_REFUSE)
                return;
        snprintf(more, sizeof(more), ": %s", row->check ? "" : row->why);
        refused(row, value_of(row->type), more, -EOPNOTSUPP);
}
END_TEST

START_TEST(a_strange_member_is_refused)
{
        const struct field *row = &oci_fields[_i];
        struct json_object *o;

        if (row->type != FIELD_OBJECT || row->verdict == VERDICT_REFUSE || !*row->path)
                return;
        o = json_object_new_object();
        json_object_object_add(o, "nonsense", NULL);
        refused(row, o, ".nonsense: is not a field of the specification", -EINVAL);
}
END_TEST

START_TEST(a_bound_is_kept)
{
        const struct field *row = &oci_fields[_i];
        struct json_object *o;
        char *text;

        if (!row->bound || row->type == FIELD_OBJECT)
                return;
        switch (row->type) {
        case FIELD_STRING:
                text = calloc(1, row->bound + 2);
                memset(text, 'x', row->bound + 1);
                o = json_object_new_string(text);
                free(text);
                refused(row, o, ": is longer than ", -E2BIG);
                break;
        case FIELD_ARRAY:
                o = json_object_new_array();
                for (uint64_t i = 0; i <= row->bound; i++)
                        json_object_array_add(o, json_object_new_int(0));
                refused(row, o, ": has more than ", -E2BIG);
                break;
        case FIELD_MAP:
                o = json_object_new_object();
                for (uint64_t i = 0; i <= row->bound; i++) {
                        char name[24];

                        snprintf(name, sizeof(name), "%u", (unsigned)i);
                        json_object_object_add(o, name, NULL);
                }
                refused(row, o, ": has more than ", -E2BIG);
                break;
        default:
                refused(row, json_object_new_int64((int64_t)row->bound + 1), ": is not within ", -EINVAL);
        }
}
END_TEST

/* The reader looks for members behind the row of their object. */
START_TEST(rows_stand_behind_what_they_are_in)
{
        const char *path = oci_fields[_i].path;
        char parent[256];
        bool found = false;
        size_t n;

        if (!*path)
                return;
        snprintf(parent, sizeof(parent), "%s", path);
        n = strlen(parent);
        if (parent[n - 1] == ']')
                parent[n - 2] = '\0';
        else
                *(strrchr(parent, '.') ? strrchr(parent, '.') : parent) = '\0';
        for (int i = 0; i < _i; i++) {
                found |= strcmp(oci_fields[i].path, parent) == 0;
                ck_assert_str_ne(oci_fields[i].path, path);
        }
        ck_assert_msg(found, "%s", path);
        ck_assert_uint_gt(strlen(oci_fields[_i].why), 3);
}
END_TEST

#define TABLE_BEGINS "<!-- of shim/oci/*.def: tests/unit/oci/test-fields --print -->\n"
#define TABLE_ENDS   "<!-- to here -->\n"

static void print_tables(FILE *f)
{
        static const char *const verdicts[] = { "", "honoured", "refused", "harmless" };
        static const char *const lists[] = { "process.capabilities", "process.rlimits", "linux.namespaces", "mounts[].options",
                                             "linux.seccomp: actions", "linux.seccomp.flags",
                                             "linux.seccomp: calls that are allowed", "linux.sysctl", "linux.rootfsPropagation",
                                             "annotations: io.nacelle.key.NAME." };

        fputs(TABLE_BEGINS, f);
        fputs("\n| field | verdict | why |\n|---|---|---|\n", f);
        for (unsigned i = 0; i < oci_nfields; i++)
                if (oci_fields[i].verdict != VERDICT_MEMBERS)
                        fprintf(f, "| `%s` | %s | %s |\n", oci_fields[i].path, verdicts[oci_fields[i].verdict], oci_fields[i].why);
        fputs("\nWords; one that is not here is refused.\n\n| of | word | verdict | why |\n|---|---|---|---|\n", f);
        for (unsigned i = 0; i < oci_nwords; i++)
                fprintf(f, "| %s | `%s` | %s | %s |\n", lists[oci_words[i].list], oci_words[i].text, verdicts[oci_words[i].verdict],
                        oci_words[i].why);
        fputs("\nPlaces: mounts that engines put into every container.\n\n| destination | type | verdict | why |\n|---|---|---|---|\n", f);
        for (unsigned i = 0; i < oci_nplaces; i++)
                fprintf(f, "| `%s` | %s | %s | %s |\n", oci_places[i].destination, oci_places[i].type, verdicts[oci_places[i].verdict],
                        oci_places[i].why);
        fputs("\n" TABLE_ENDS, f);
}

START_TEST(the_documentation_has_the_tables)
{
        static char text[1 << 20];
        FILE *f = fopen(TOP_SRCDIR "/docs/containers.md", "r");
        char *expected = NULL, *at;
        size_t n;

        ck_assert_ptr_nonnull(f);
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        fclose(f);
        f = open_memstream(&expected, &n);
        print_tables(f);
        fclose(f);
        at = strstr(text, TABLE_BEGINS);
        ck_assert_ptr_nonnull(at);
        ck_assert_msg(strncmp(at, expected, n) == 0, "docs/containers.md: write it again with test-fields --print");
        free(expected);
}
END_TEST

int main(int argc, char **argv)
{
        TCase *tc = tcase_create("fields");

        if (argc > 1 && strcmp(argv[1], "--print") == 0) {
                print_tables(stdout);
                return 0;
        }
        tcase_add_unchecked_fixture(tc, bundle_make, bundle_remove);
        tcase_add_loop_test(tc, a_wrong_type_is_refused, 0, (int)oci_nfields);
        tcase_add_loop_test(tc, what_is_refused_is_refused, 0, (int)oci_nfields);
        tcase_add_loop_test(tc, a_strange_member_is_refused, 0, (int)oci_nfields);
        tcase_add_loop_test(tc, a_bound_is_kept, 0, (int)oci_nfields);
        tcase_add_loop_test(tc, rows_stand_behind_what_they_are_in, 0, (int)oci_nfields);
        tcase_add_test(tc, the_documentation_has_the_tables);
        return unit_main("oci fields", &tc, 1);
}
