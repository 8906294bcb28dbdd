/* unit_imports.c - the sections [Import NAME]: what each is handed, and in which order they are made. */
#include "config.h"

#include <string.h>

#include "policy/draft.h"

/* The key that an import's request names. */
static const struct key *key_of(const struct unit *u, const char *request)
{
        size_t n = strcspn(request, "/:");

        for (unsigned i = 0; i < u->nkeys; i++)
                if (strlen(u->keys[i].name) == n && memcmp(u->keys[i].name, request, n) == 0)
                        return &u->keys[i];
        return NULL;
}

static const char *where_of(struct reader *r, const struct place *place)
{
        const struct unit_text *text = &r->texts[place->text];
        struct ini ini = { text->bytes, text->bytes + text->size, text->bytes };
        size_t size = strlen(text->path) + 16;
        char *where = pool_alloc(r->pool, size, 1);
        unsigned line, column;

        ini_place(&ini, place->at ? place->at : text->bytes, &line, &column);
        if (where)
                snprintf(where, size, "%s:%u", text->path, line);
        else
                r->no_memory = true;
        return where;
}

static void finish_import(struct reader *r, const struct unit *u, const struct section *s,
                          struct unit_import *import)
{
        const struct draft_import *d = s->fields;
        struct narrowed_key *keys = pool_alloc(r->pool, d->requests.n, sizeof(*keys));
        struct error err;

        if (!keys) {
                r->no_memory = true;
                return;
        }
        *import = (struct unit_import) { .name = s->name, .module = d->module, .module_key = d->module_key,
                                         .digest = d->digest, .memory_max = d->memory_max,
                                         .host_memory_max = d->host_memory_max, .files_max = d->files_max,
                                         .unkeyed = d->unkeyed, .where = where_of(r, &s->head),
                                         .requests = d->requests, .keys = keys };
        if (!d->module)
                reader_error(r, &s->head, "[Import %s] has no Module", s->name);
        for (unsigned i = 0; i < d->requests.n; i++) {
                const struct key *key = key_of(u, d->requests.words[i]);

                if (!key)
                        reader_error(r, place_of(s, "Keys"), "Keys: there is no key %.*s to hand down",
                                     (int)strcspn(d->requests.words[i], "/:"), d->requests.words[i]);
                else if (!r->errors && key_narrow(r->pool, key, d->requests.words[i], &keys[i], &err) < 0)
                        reader_error(r, place_of(s, "Keys"), "Keys: %s", err.text);
        }
        import->nkeys = d->requests.n;
}

/* Whether all sections that @s imports from are among the first @n of @imports, and which they are. */
static bool is_next(const struct section *s, const struct unit_import *imports, unsigned n, uint64_t *ret_sees)
{
        const struct draft_import *d = s->fields;

        *ret_sees = 0;
        for (unsigned i = 0; i < d->imports.n; i++) {
                unsigned k = 0;

                while (k < n && strcmp(imports[k].name, d->imports.words[i]) != 0)
                        k++;
                if (k == n)
                        return false;
                *ret_sees |= UINT64_C(1) << k;
        }
        return true;
}

static bool check_names(struct reader *r, const struct section *s)
{
        const struct draft_import *d = s->fields;
        unsigned before = r->errors;

        if (strcmp(s->name, "wasi_snapshot_preview1") == 0)
                reader_error(r, &s->head, "[Import %s]: that name is the host's", s->name);
        for (unsigned i = 0; i < d->imports.n; i++) {
                bool found = false;

                for (unsigned k = 0; k < r->nsections; k++)
                        found |= r->sections[k]->kind == SECTION_IMPORT && r->sections[k] != s &&
                                 strcmp(r->sections[k]->name, d->imports.words[i]) == 0;
                if (!found)
                        reader_error(r, place_of(s, "Imports"), "Imports: there is no other section [Import %s]",
                                     d->imports.words[i]);
        }
        return r->errors == before;
}

/* In the order of the file, but for those that import from later ones. */
void unit_finish_imports(struct reader *r, struct unit *u)
{
        struct unit_import *imports = pool_alloc(r->pool, UNIT_IMPORTS_MAX, sizeof(*imports));
        struct section *left[UNIT_IMPORTS_MAX];
        unsigned nleft = 0;
        bool good = true;

        if (!imports) {
                r->no_memory = true;
                return;
        }
        for (unsigned i = 0; i < r->nsections; i++)
                if (r->sections[i]->kind == SECTION_IMPORT && nleft < UNIT_IMPORTS_MAX) {
                        left[nleft++] = r->sections[i];
                        good &= check_names(r, r->sections[i]);
                }
        for (unsigned i = 0; i < nleft && good && !r->no_memory;) {
                uint64_t sees;

                if (!is_next(left[i], imports, u->nimports, &sees)) {
                        i++;
                        continue;
                }
                finish_import(r, u, left[i], &imports[u->nimports]);
                imports[u->nimports++].sees = sees;
                memmove(&left[i], &left[i + 1], (--nleft - i) * sizeof(left[0]));
                i = 0;
        }
        if (nleft && good && !r->no_memory)
                reader_error(r, place_of(left[0], "Imports"), "Imports: [Import %s] imports from itself, in a circle",
                             left[0]->name);
        u->imports = imports;
}
