/* setting.c - the types of settings.def: one function reads each. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "policy/draft.h"
#include "policy/number.h"

#define draft_section_UNIT        struct draft_unit
#define draft_section_NANOPROCESS struct draft_nanoprocess
#define draft_section_KEY         struct draft_key
#define draft_section_LIMITS      struct unit_limits
#define draft_section_IMPORT      struct draft_import
#define draft_section_SERVICE     struct draft_service

#define X(name, ctype, expand, text) typedef ctype setting_field_##name;
SETTING_TYPES(X)
#undef X

const struct setting settings[] = {
/* The comparison has no value: it lets the compiler see that field and type of a row fit. */
#define SETTING(section, name, type, field, least, most, initial, text) \
        { name, text, SECTION_##section, SETTING_##type, \
          offsetof(draft_section_##section, field) + \
                  0 * sizeof(&((draft_section_##section *)0)->field == (setting_field_##type *)0), \
          least, most, initial },
#include "policy/settings.def"
};
const unsigned nsettings = ELEMENTSOF(settings);

static const struct {
        const char *text;
        bool expand;
} types[] = {
#define X(name, ctype, expand, text) { text, expand },
        SETTING_TYPES(X)
#undef X
};

const char *section_text(enum section_kind section)
{
        static const char *const texts[_SECTION_MAX] = {
                [SECTION_UNIT] = "Unit",     [SECTION_NANOPROCESS] = "Nanoprocess",
                [SECTION_KEY] = "Key",       [SECTION_LIMITS] = "Limits",
                [SECTION_IMPORT] = "Import", [SECTION_SERVICE] = "Service",
        };

        return texts[section];
}

const char *setting_type_text(enum setting_type type)
{
        return types[type].text;
}

const struct setting *setting_find(enum section_kind section, const struct ini_text *name)
{
        for (unsigned i = 0; i < nsettings; i++)
                if (settings[i].section == section && strlen(settings[i].name) == name->size &&
                    memcmp(settings[i].name, name->at, name->size) == 0)
                        return &settings[i];
        return NULL;
}

void settings_initial(enum section_kind section, void *fields)
{
        for (unsigned i = 0; i < nsettings; i++) {
                void *field = (char *)fields + settings[i].offset;

                if (settings[i].section != section || !settings[i].initial)
                        continue;
                if (settings[i].type == SETTING_CHOICE)
                        *(unsigned *)field = (unsigned)settings[i].initial;
                else if (settings[i].type == SETTING_BOOLEAN)
                        *(bool *)field = settings[i].initial;
                else
                        *(uint64_t *)field = settings[i].initial;
        }
}

/* Writes the problem for the caller of setting_read(); its place is @at of the file. */
_printf_(3, 4) static int wrong(struct reader *r, const char *at, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(r->problem, sizeof(r->problem), format, args);
        va_end(args);
        r->at = at;
        return -EINVAL;
}

static int no_memory(struct reader *r)
{
        r->no_memory = true;
        return -ENOMEM;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool continues(const char *at, const char *end)
{
        return *at == '\\' && (at + 1 >= end || at[1] == '\n' || (at[1] == '\r' && at + 2 < end && at[2] == '\n'));
}

/* What a specifier stands for. */
static const char *specifier(const struct reader *r, char c)
{
        switch (c) {
        case 'i':
                return r->instance ? r->instance : "";
        case 'p':
                return r->prefix;
        case 'n':
                return r->name;
        case '%':
                return "%";
        default:
                return NULL;
        }
}

struct copy {
        char *bytes;
        size_t n, room;
};

static bool put(struct copy *c, const char *bytes, size_t n)
{
        if (n >= c->room - c->n)
                return false;
        memcpy(c->bytes + c->n, bytes, n);
        c->n += n;
        c->bytes[c->n] = '\0';
        return true;
}

/* The byte or specifier at *@at goes to @c, and *@at moves behind it. */
static int put_next(struct reader *r, struct copy *c, const char **at, const char *end, bool expand)
{
        const char *text;

        if (!expand || **at != '%') {
                if (!put(c, *at, 1))
                        return wrong(r, *at, "a value of more than %zu bytes", c->room - 1);
                ++*at;
                return 0;
        }
        text = *at + 1 < end ? specifier(r, (*at)[1]) : NULL;
        if (!text)
                return wrong(r, *at, "an unknown specifier; %%i, %%p, %%n and %%%% are known");
        if (!put(c, text, strlen(text)))
                return wrong(r, *at, "a value of more than %zu bytes", c->room - 1);
        *at += 2;
        return 0;
}

#define VALUE_BYTES_MAX 65536

/* The whole value, lines that go on joined by one blank. */
static int whole(struct reader *r, const struct ini_text *value, bool expand, const char **ret)
{
        const char *at = value->at, *end = at + value->size;
        struct copy c = { .room = VALUE_BYTES_MAX };
        char *kept;
        int n = 0;

        c.bytes = malloc(c.room);
        if (!c.bytes)
                return no_memory(r);
        c.bytes[0] = '\0';
        while (at < end && n >= 0) {
                if (continues(at, end)) {
                        at++;
                        while (at < end && is_blank(*at))
                                at++;
                        put(&c, " ", 1);
                } else {
                        n = put_next(r, &c, &at, end, expand);
                }
        }
        kept = n < 0 ? NULL : pool_alloc(r->pool, c.n + 1, 1);
        if (kept)
                memcpy(kept, c.bytes, c.n + 1);
        free(c.bytes);
        if (n < 0)
                return n;
        if (!kept)
                return no_memory(r);
        *ret = kept;
        return 0;
}

/* The next word of a list into the pool: quotes and backslashes taken away. Returns 1; 0: no more. */
static int next_word(struct reader *r, const char **at, const char *end, bool expand, const char **ret,
                     const char **ret_at)
{
        struct copy c = { .room = VALUE_BYTES_MAX };
        const char *quote = NULL;
        char *kept;
        int n = 0;

        while (*at < end && (is_blank(**at) || continues(*at, end)))
                ++*at;
        if (*at >= end)
                return 0;
        *ret_at = *at;
        c.bytes = malloc(c.room);
        if (!c.bytes)
                return no_memory(r);
        c.bytes[0] = '\0';
        while (*at < end && n >= 0 && (quote || (!is_blank(**at) && !continues(*at, end)))) {
                if (quote && **at == *quote) {
                        quote = NULL;
                        ++*at;
                } else if (!quote && (**at == '"' || **at == '\'')) {
                        quote = (*at)++;
                } else if (**at == '\\' && !(quote && *quote == '\'')) {
                        if (*at + 1 < end && strchr("\\\"' ", (*at)[1]))
                                n = put(&c, ++*at, 1) ? 0 : wrong(r, *at, "a word that is too long");
                        else
                                n = wrong(r, *at, "a backslash before what needs none");
                        ++*at;
                } else {
                        n = put_next(r, &c, at, end, expand);
                }
        }
        if (n >= 0 && quote)
                n = wrong(r, quote, "a quote that is not closed");
        kept = n < 0 ? NULL : pool_alloc(r->pool, c.n + 1, 1);
        if (kept)
                memcpy(kept, c.bytes, c.n + 1);
        free(c.bytes);
        if (n < 0)
                return n;
        if (!kept)
                return no_memory(r);
        *ret = kept;
        return 1;
}

static bool is_name(const char *text)
{
        if (!*text || strlen(text) > UNIT_NAME_MAX)
                return false;
        for (; *text; text++)
                if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                      (*text >= '0' && *text <= '9') || strchr("-_.:@", *text)))
                        return false;
        return true;
}

static int check_word(struct reader *r, const struct setting *s, const char *word, const char *at)
{
        if (s->type == SETTING_NAMES && !is_name(word))
                return wrong(r, at, "%s: not a name", s->name);
        if (s->type == SETTING_VARIABLES && (!strchr(word, '=') || *word == '='))
                return wrong(r, at, "%s: expected NAME=VALUE", s->name);
        return 0;
}

static int read_words(struct reader *r, const struct setting *s, struct words *field,
                      const struct ini_text *value)
{
        const char *at = value->at, *end = at + value->size, *word, *word_at;
        const char **words;
        int n;

        if (!value->size) {
                *field = (struct words) { 0 };
                return 0;
        }
        words = pool_alloc(r->pool, s->most + 1, sizeof(*words));
        if (!words)
                return no_memory(r);
        if (field->n)
                memcpy(words, field->words, field->n * sizeof(*words));
        field->words = words;
        while ((n = next_word(r, &at, end, true, &word, &word_at)) > 0) {
                if (field->n >= s->most)
                        return wrong(r, word_at, "%s: more than %" PRIu64 " words", s->name, s->most);
                n = check_word(r, s, word, word_at);
                if (n < 0)
                        return n;
                words[field->n++] = word;
        }
        return n;
}

static int read_networks(struct reader *r, const struct setting *s, struct network_list *field,
                         const struct ini_text *value)
{
        const char *at = value->at, *end = at + value->size, *word, *word_at;
        struct network *networks;
        struct error err;
        int n;

        if (!value->size) {
                *field = (struct network_list) { 0 };
                return 0;
        }
        networks = pool_alloc(r->pool, s->most, sizeof(*networks));
        if (!networks)
                return no_memory(r);
        if (field->n)
                memcpy(networks, field->networks, field->n * sizeof(*networks));
        field->networks = networks;
        while ((n = next_word(r, &at, end, true, &word, &word_at)) > 0) {
                if (field->n >= s->most)
                        return wrong(r, word_at, "%s: more than %" PRIu64 " networks", s->name, s->most);
                if (network_read(word, &networks[field->n], &err) < 0)
                        return wrong(r, word_at, "%s: %s", s->name, err.text);
                field->n++;
        }
        return n;
}

static int read_statuses(struct reader *r, const struct setting *s, struct status_set *field,
                         const struct ini_text *value)
{
        const char *at = value->at, *end = at + value->size, *word, *word_at;
        uint64_t status;
        int n;

        if (!value->size)
                *field = (struct status_set) { 0 };
        while ((n = next_word(r, &at, end, false, &word, &word_at)) > 0) {
                if (number_count(word, &status) < 0 || status < 1 || status > s->most)
                        return wrong(r, word_at, "%s: expected %s", s->name, types[s->type].text);
                field->bits[status / 8] |= (uint8_t)(1u << status % 8);
        }
        return n;
}

/* "a|b|c what for": the index of @text. */
static int choice(const char *words, const char *text)
{
        size_t n = strlen(text);
        int index = 0;

        for (const char *at = words;; at++, index++) {
                size_t length = strcspn(at, "| ");

                if (length == n && memcmp(at, text, n) == 0)
                        return index;
                at += length;
                if (*at != '|')
                        return -EINVAL;
        }
}

static char *number_text(const struct setting *s, uint64_t value, char *text, size_t size)
{
        if (s->type == SETTING_SIZE)
                return number_size_text(value, text, size);
        if (s->type == SETTING_DURATION)
                return number_duration_text(value, text, size);
        snprintf(text, size, "%" PRIu64 "%s", value, s->type == SETTING_PERCENT ? "%" : "");
        return text;
}

static bool is_number(const struct setting *s)
{
        return s->type == SETTING_SIZE || s->type == SETTING_DURATION || s->type == SETTING_PERCENT ||
               s->type == SETTING_COUNT || s->type == SETTING_INSTANCES;
}

char *setting_range_text(const struct setting *s, char *text, size_t size)
{
        char least[32], most[32];

        text[0] = '\0';
        if (is_number(s))
                snprintf(text, size, "from %s to %s", number_text(s, s->least, least, sizeof(least)),
                         number_text(s, s->most, most, sizeof(most)));
        return text;
}

char *setting_initial_text(const struct setting *s, char *text, size_t size)
{
        const char *words = s->text;

        text[0] = '\0';
        if (is_number(s) && s->initial)
                return number_text(s, s->initial, text, size);
        if (s->type == SETTING_BOOLEAN)
                snprintf(text, size, "%s", s->initial ? "yes" : "no");
        if (s->type == SETTING_CHOICE) {
                for (uint64_t i = 0; i < s->initial; i++)
                        words += strcspn(words, "|") + 1;
                snprintf(text, size, "%.*s", (int)strcspn(words, "| "), words);
        }
        return text;
}

static int read_number(struct reader *r, const struct setting *s, uint64_t *field, const char *text,
                       const char *at)
{
        int (*const read)(const char *, uint64_t *) =
                s->type == SETTING_SIZE       ? number_size
                : s->type == SETTING_DURATION ? number_duration
                : s->type == SETTING_PERCENT  ? number_percent
                                              : number_count;
        char range[96];
        uint64_t value;
        int n;

        if (s->type == SETTING_INSTANCES && strcmp(text, "on-demand") == 0) {
                *field = 0;
                return 0;
        }
        n = read(text, &value);
        if (n == -EINVAL)
                return wrong(r, at, "%s: expected %s", s->name, types[s->type].text);
        if (n == 0 && value >= s->least && value <= s->most) {
                *field = value;
                return 0;
        }
        return wrong(r, at, "%s: %s", s->name, setting_range_text(s, range, sizeof(range)));
}

static int hex_digit(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                              : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool digest_read(const char *text, struct digest *ret)
{
        struct digest d = { .given = true };

        if (strncmp(text, "sha256:", 7) == 0)
                text += 7;
        if (strlen(text) != 64)
                return false;
        for (unsigned i = 0; i < 64; i++) {
                int digit = hex_digit(text[i]);

                if (digit < 0)
                        return false;
                d.sha256[i / 2] = (uint8_t)(d.sha256[i / 2] << 4 | digit);
        }
        *ret = d;
        return true;
}

/* Absolute, and written as the kernel would: what a person reads in the file is what is opened. */
static const char *path_problem(const char *path)
{
        if (*path != '/')
                return "not an absolute path";
        for (const char *at = path; *at;) {
                size_t n = strcspn(at + 1, "/");

                if (n == 0 && (at[1] || at != path))
                        return "an empty part in a path";
                if ((n == 1 && at[1] == '.') || (n == 2 && at[1] == '.' && at[2] == '.'))
                        return "a path with . or ..";
                at += n + 1;
        }
        return NULL;
}

static int read_text(struct reader *r, const struct setting *s, void *field, const char *text,
                     const char *at)
{
        const char *problem;
        struct error err;

        switch (s->type) {
        case SETTING_PATH:
                problem = path_problem(text);
                if (problem)
                        return wrong(r, at, "%s: %s", s->name, problem);
                break;
        case SETTING_NAME:
                if (!is_name(text))
                        return wrong(r, at, "%s: not a name", s->name);
                break;
        case SETTING_DIGEST:
                if (!digest_read(text, field))
                        return wrong(r, at, "%s: expected %s", s->name, types[s->type].text);
                return 0;
        case SETTING_LISTEN:
        case SETTING_CONNECT:
                if (address_read(r->pool, text, s->type == SETTING_CONNECT, field, &err) < 0)
                        return wrong(r, at, "%s: %s", s->name, err.text);
                return 0;
        default:
                break;
        }
        if (s->most && strlen(text) > s->most)
                return wrong(r, at, "%s: more than %" PRIu64 " bytes", s->name, s->most);
        *(const char **)field = text;
        return 0;
}

int setting_read(struct reader *r, const struct setting *s, void *fields, const struct ini_text *value)
{
        void *field = (char *)fields + s->offset;
        const char *text;
        int n;

        switch (s->type) {
        case SETTING_WORDS:
        case SETTING_NAMES:
        case SETTING_VARIABLES:
        case SETTING_KEYS:
                return read_words(r, s, field, value);
        case SETTING_NETWORKS:
                return read_networks(r, s, field, value);
        case SETTING_STATUSES:
                return read_statuses(r, s, field, value);
        default:
                break;
        }

        if (!value->size)
                return wrong(r, value->at, "%s: no value", s->name);
        n = whole(r, value, types[s->type].expand, &text);
        if (n < 0)
                return n;
        switch (s->type) {
        case SETTING_CHOICE:
                n = choice(s->text, text);
                if (n < 0)
                        return wrong(r, value->at, "%s: expected one of %.*s", s->name, (int)strcspn(s->text, " "), s->text);
                *(unsigned *)field = (unsigned)n;
                return 0;
        case SETTING_BOOLEAN:
                n = choice("no|yes", text);
                if (n < 0)
                        return wrong(r, value->at, "%s: expected %s", s->name, types[s->type].text);
                *(bool *)field = n;
                return 0;
        case SETTING_SIZE:
        case SETTING_DURATION:
        case SETTING_PERCENT:
        case SETTING_COUNT:
        case SETTING_INSTANCES:
                return read_number(r, s, field, text, value->at);
        default:
                return read_text(r, s, field, text, value->at);
        }
}
