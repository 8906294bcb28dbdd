/* unit.c - reads the sections of a unit and its drop-ins into drafts; unit_finish.c makes the unit. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "policy/draft.h"

#define POOL_BYTES_MAX (UINT64_C(64) << 20)

static const size_t draft_bytes[_SECTION_MAX] = {
        [SECTION_UNIT] = sizeof(struct draft_unit),
        [SECTION_NANOPROCESS] = sizeof(struct draft_nanoprocess),
        [SECTION_KEY] = sizeof(struct draft_key),
        [SECTION_LIMITS] = sizeof(struct unit_limits),
        [SECTION_IMPORT] = sizeof(struct draft_import),
        [SECTION_SERVICE] = sizeof(struct draft_service),
};

static bool is_named(enum section_kind kind)
{
        return kind == SECTION_KEY || kind == SECTION_IMPORT;
}

void reader_error(struct reader *r, const struct place *place, const char *format, ...)
{
        const struct unit_text *text = &r->texts[place->text];
        struct ini ini = { text->bytes, text->bytes + text->size, text->bytes };
        char sentence[200];
        unsigned line, column;
        va_list args;

        va_start(args, format);
        vsnprintf(sentence, sizeof(sentence), format, args);
        va_end(args);
        ini_place(&ini, place->at ? place->at : text->bytes, &line, &column);
        if (r->errors++ == 0)
                error_set(r->err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%s:%u:%u: %s", text->path, line,
                          column, sentence);
        if (r->problems)
                r->problems->report(r->problems->context, text->path, line, column, sentence);
}

static struct place here(const struct reader *r, const char *at)
{
        return (struct place) { .at = at, .end = r->ini.at, .text = r->text };
}

static struct section *section_new(struct reader *r, enum section_kind kind, const char *name)
{
        struct section *s = pool_alloc(r->pool, 1, sizeof(*s));

        if (s) {
                s->fields = pool_alloc(r->pool, 1, draft_bytes[kind]);
                s->places = pool_alloc(r->pool, nsettings, sizeof(*s->places));
        }
        if (!s || !s->fields || !s->places) {
                r->no_memory = true;
                return NULL;
        }
        s->kind = kind;
        s->name = name;
        settings_initial(kind, s->fields);
        r->sections[r->nsections++] = s;
        return s;
}

static unsigned count_sections(const struct reader *r, enum section_kind kind)
{
        unsigned n = 0;

        for (unsigned i = 0; i < r->nsections; i++)
                n += r->sections[i]->kind == kind;
        return n;
}

static struct section *section_find(const struct reader *r, enum section_kind kind, const char *name)
{
        for (unsigned i = 0; i < r->nsections; i++)
                if (r->sections[i]->kind == kind &&
                    (!name || strcmp(r->sections[i]->name, name) == 0))
                        return r->sections[i];
        return NULL;
}

/* "Key photos": the kind, and what is behind the blank into @name (empty without). */
static int section_kind(const struct ini_text *head, char name[static UNIT_NAME_MAX + 1])
{
        const char *end = head->at + head->size;
        const char *blank = head->at;
        size_t n, word;

        while (blank < end && *blank != ' ' && *blank != '\t')
                blank++;
        word = (size_t)(blank - head->at);
        while (blank < end && (*blank == ' ' || *blank == '\t'))
                blank++;
        n = (size_t)(end - blank);
        if (n > UNIT_NAME_MAX)
                n = UNIT_NAME_MAX;
        memcpy(name, blank, n);
        name[n] = '\0';
        for (unsigned kind = 0; kind < _SECTION_MAX; kind++)
                if (strlen(section_text(kind)) == word && memcmp(section_text(kind), head->at, word) == 0)
                        return (int)kind;
        return -ENOENT;
}

static bool is_plain_name(const char *name)
{
        return *name && strlen(name) <= 64 && unit_name_valid(name) && !strchr(name, '@') &&
               !strchr(name, ':');
}

/* A [head]: the section that the settings behind it belong to; NULL when they are to be skipped. */
static struct section *take_head(struct reader *r, const struct ini_line *line)
{
        const struct place place = here(r, line->at);
        char name[UNIT_NAME_MAX + 1], *kept;
        struct section *s;
        int kind = section_kind(&line->section, name);

        if (kind < 0) {
                reader_error(r, &place, "an unknown section [%.*s]", (int)line->section.size,
                             line->section.at);
                return NULL;
        }
        if (is_named(kind) != (*name != '\0') || (*name && !is_plain_name(name))) {
                reader_error(r, &place, is_named(kind) ? "[%s NAME]: a name is needed, of letters, digits and - _ ."
                                                       : "[%s] takes no name",
                             section_text(kind));
                return NULL;
        }
        s = section_find(r, kind, *name ? name : NULL);
        if (s) {
                if (*name && s->head.text == r->text) {
                        reader_error(r, &place, "[%s %s] is there twice", section_text(kind), name);
                        return NULL;
                }
                return s;
        }
        if (is_named(kind) &&
            count_sections(r, kind) >= (kind == SECTION_KEY ? UNIT_KEYS_MAX : UNIT_IMPORTS_MAX)) {
                reader_error(r, &place, "too many sections [%s ...]", section_text(kind));
                return NULL;
        }
        kept = pool_alloc(r->pool, strlen(name) + 1, 1);
        if (!kept) {
                r->no_memory = true;
                return NULL;
        }
        strcpy(kept, name);
        s = section_new(r, kind, kept);
        if (s)
                s->head = place;
        return s;
}

static bool grows(enum setting_type type)
{
        return type == SETTING_WORDS || type == SETTING_NAMES || type == SETTING_VARIABLES ||
               type == SETTING_KEYS || type == SETTING_NETWORKS || type == SETTING_STATUSES;
}

/* The setting that was meant, for a typing error: the same letters, one more, or one less. */
static const char *meant(enum section_kind kind, const struct ini_text *name)
{
        for (unsigned i = 0; i < nsettings; i++) {
                const char *known = settings[i].name;
                size_t n = strlen(known), head = 0, tail = 0;

                if (settings[i].section != kind || (n > name->size ? n - name->size : name->size - n) > 1)
                        continue;
                while (head < n && head < name->size && (known[head] | 32) == (name->at[head] | 32))
                        head++;
                while (tail < n - head && tail < name->size - head &&
                       (known[n - 1 - tail] | 32) == (name->at[name->size - 1 - tail] | 32))
                        tail++;
                if (head + tail + 2 >= (n > name->size ? n : name->size))
                        return known;
        }
        return NULL;
}

static void take_setting(struct reader *r, struct section *s, const struct ini_line *line)
{
        const struct setting *setting = setting_find(s->kind, &line->name);
        struct place place = here(r, line->at), *before;
        int n;

        if (!setting) {
                const char *known = meant(s->kind, &line->name);

                reader_error(r, &place, "unknown setting %.*s in [%s]%s%s%s", (int)line->name.size,
                             line->name.at, section_text(s->kind), known ? "; is " : "",
                             known ? known : "", known ? " meant?" : "");
                return;
        }
        before = &s->places[setting - settings];
        if (before->at && before->text == r->text && !grows(setting->type)) {
                reader_error(r, &place, "%s is given twice", setting->name);
                return;
        }
        *before = here(r, line->value.at);
        n = setting_read(r, setting, s->fields, &line->value);
        if (n == -EINVAL) {
                place = here(r, r->at);
                reader_error(r, &place, "%s", r->problem);
        }
}

static void read_text(struct reader *r)
{
        const struct unit_text *text = &r->texts[r->text];
        struct section *section = NULL;
        bool skipping = false;
        struct ini_line line;
        const char *problem;
        int n;

        r->ini = (struct ini) { text->bytes, text->bytes + text->size, text->bytes };
        while (!r->no_memory && (n = ini_next(&r->ini, &line, &problem)) != 0) {
                struct place place = here(r, line.at);

                if (n < 0) {
                        reader_error(r, &place, "%s", problem);
                } else if (line.section.at) {
                        section = take_head(r, &line);
                        skipping = !section;
                } else if (section) {
                        take_setting(r, section, &line);
                } else if (!skipping) {
                        reader_error(r, &place, "a setting before the first section");
                        skipping = true;
                }
        }
}

bool unit_name_valid(const char *name)
{
        const char *at = strchr(name, '@');
        size_t n = strlen(name);

        if (n == 0 || n > UNIT_NAME_MAX || *name == '.' || *name == '-' || *name == '@')
                return false;
        if (at && (!at[1] || strchr(at + 1, '@')))
                return false;
        for (; *name; name++)
                if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                      (*name >= '0' && *name <= '9') || strchr("-_.:@", *name)))
                        return false;
        return true;
}

static const char *copy_text(struct reader *r, const char *text)
{
        char *kept = pool_alloc(r->pool, strlen(text) + 1, 1);

        if (!kept)
                r->no_memory = true;
        return kept ? strcpy(kept, text) : NULL;
}

static void read_name(struct reader *r, const char *name)
{
        const char *at = strchr(name, '@');

        r->name = copy_text(r, name);
        snprintf(r->prefix, sizeof(r->prefix), "%.*s", (int)strcspn(name, "@"), name);
        if (at && r->name)
                r->instance = r->name + (at + 1 - name);
}

static void keep_files(struct reader *r, struct unit *u)
{
        const char **files = pool_alloc(r->pool, r->text + 1, sizeof(*files));

        if (!files) {
                r->no_memory = true;
                return;
        }
        for (unsigned i = 0; i < r->text; i++)
                files[i] = copy_text(r, r->texts[i].path);
        u->files = files;
        u->nfiles = r->text;
}

int unit_parse(const char *name, const struct unit_text *texts, unsigned n,
               const struct unit_problems *problems, struct unit **ret, struct error *err)
{
        struct error ignored;
        struct reader r = { .texts = texts, .problems = problems, .err = err ? err : &ignored };
        struct unit *u;

        if (!unit_name_valid(name))
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%.64s: not the name of a unit",
                                 name);
        if (n == 0 || n > UNIT_FILES_MAX)
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%s: %u files; 1 to %u are read", name,
                                 n, UNIT_FILES_MAX);
        r.pool = pool_new(POOL_BYTES_MAX);
        u = r.pool ? pool_alloc(r.pool, 1, sizeof(*u)) : NULL;
        r.no_memory = !u;
        if (u) {
                u->pool = r.pool;
                read_name(&r, name);
        }
        for (; r.text < n && !r.no_memory; r.text++)
                read_text(&r);
        if (!r.no_memory) {
                keep_files(&r, u);
                r.text = 0;
                unit_finish(&r, u);
        }
        if (r.no_memory) {
                pool_free(r.pool);
                return error_set(err, STAGE_POLICY, -ENOMEM, ERROR_NOWHERE, "%s: out of memory", name);
        }
        if (r.errors) {
                pool_free(r.pool);
                return -EINVAL;
        }
        *ret = u;
        return 0;
}

void unit_free(struct unit *u)
{
        if (u)
                pool_free(u->pool);
}

const struct key *unit_key(const struct unit *u, enum key_kind kind, uint64_t stream)
{
        for (unsigned i = 0; i < u->nkeys; i++)
                if (u->keys[i].kind == kind && (kind != KEY_STDIO || u->keys[i].number == stream))
                        return &u->keys[i];
        return NULL;
}
