#include <string.h>

#include "engine/text/module_text.h"
#include "engine/text/print_text.h"

/* The words of the abstract heap types, and the byte of the binary format (5.3.4). */
static const struct {
        enum word heap, ref;
        uint8_t byte;
} heap_types[] = {
        { WORD_FUNC, WORD_FUNCREF, 0x70 },
        { WORD_EXTERN, WORD_EXTERNREF, 0x6f },
        { WORD_ANY, WORD_ANYREF, 0x6e },
        { WORD_EQ, WORD_EQREF, 0x6d },
        { WORD_I31, WORD_I31REF, 0x6c },
        { WORD_STRUCT, WORD_STRUCTREF, 0x6b },
        { WORD_ARRAY, WORD_ARRAYREF, 0x6a },
        { WORD_EXN, WORD_EXNREF, 0x69 },
        { WORD_NOEXN, WORD_NULLEXNREF, 0x74 },
        { WORD_NOFUNC, WORD_NULLFUNCREF, 0x73 },
        { WORD_NOEXTERN, WORD_NULLEXTERNREF, 0x72 },
        { WORD_NONE_TYPE, WORD_NULLREF, 0x71 },
};

static const struct {
        enum word word;
        uint8_t kind, byte;
} number_types[] = {
        { WORD_I32, VAL_I32, 0x7f },
        { WORD_I64, VAL_I64, 0x7e },
        { WORD_F32, VAL_F32, 0x7d },
        { WORD_F64, VAL_F64, 0x7c },
        { WORD_V128, VAL_V128, 0x7b },
};

#define HEAP_OF_BYTE(byte) (HEAP_FIRST_ABSTRACT | (byte))

uint32_t read_heaptype(struct module_text *m)
{
        size_t at = m->r.token.at;
        uint32_t index;

        if (at_index(m)) {
                index = read_index(m, SPACE_TYPE);
                if (index >= HEAP_FIRST_ABSTRACT)
                        reader_fail(&m->r, at, "unknown type %u", index);
                return index;
        }
        for (size_t i = 0; i < ELEMENTSOF(heap_types); i++)
                if (reader_accept(&m->r, heap_types[i].heap))
                        return HEAP_OF_BYTE(heap_types[i].byte);
        reader_unexpected(&m->r);
        return HEAP_FUNC;
}

static const uint8_t *reftype_byte(const struct reader *r)
{
        for (size_t i = 0; i < ELEMENTSOF(heap_types); i++)
                if (reader_is_word(r, heap_types[i].ref))
                        return &heap_types[i].byte;
        return NULL;
}

bool at_reftype(struct module_text *m)
{
        return reftype_byte(&m->r) || reader_is_open(&m->r, WORD_REF);
}

bool at_valtype(struct module_text *m)
{
        for (size_t i = 0; i < ELEMENTSOF(number_types); i++)
                if (reader_is_word(&m->r, number_types[i].word))
                        return true;
        return at_reftype(m);
}

valtype read_valtype(struct module_text *m)
{
        const uint8_t *byte = reftype_byte(&m->r);
        valtype t;

        if (byte) {
                reader_next(&m->r);
                return VAL_REF_NULL(HEAP_OF_BYTE(*byte));
        }
        for (size_t i = 0; i < ELEMENTSOF(number_types); i++)
                if (reader_accept(&m->r, number_types[i].word))
                        return number_types[i].kind;
        if (!reader_accept_open(&m->r, WORD_REF)) {
                reader_unexpected(&m->r);
                return VAL_I32;
        }
        t = reader_accept(&m->r, WORD_NULL) ? VAL_REF | VAL_NULLABLE : VAL_REF;
        t |= read_heaptype(m) << VAL_HEAP_SHIFT;
        reader_expect_close(&m->r);
        return t;
}

valtype read_reftype(struct module_text *m)
{
        if (at_reftype(m))
                return read_valtype(m);
        reader_unexpected(&m->r);
        return VAL_FUNCREF;
}

void put_heaptype(struct buffer *b, uint32_t heap)
{
        if (heap >= HEAP_FIRST_ABSTRACT)
                buffer_u8(b, (uint8_t)heap);
        else
                buffer_sleb(b, heap);
}

void put_valtype(struct buffer *b, valtype t)
{
        for (size_t i = 0; i < ELEMENTSOF(number_types); i++) {
                if (number_types[i].kind == valtype_kind(t)) {
                        buffer_u8(b, number_types[i].byte);
                        return;
                }
        }
        /* The short form is what readers of 2.0 know. */
        if (!(t & VAL_NULLABLE) || valtype_heap(t) < HEAP_FIRST_ABSTRACT)
                buffer_u8(b, t & VAL_NULLABLE ? 0x63 : 0x64);
        put_heaptype(b, valtype_heap(t));
}

void valtypes_add(struct module_text *m, struct valtypes *list, uint32_t t)
{
        if (list->n == list->room) {
                uint32_t room = list->room ? list->room * 2 : 16;
                valtype *grown = realloc(list->list, room * sizeof(*grown));

                if (!grown || room > UINT32_MAX / 4) {
                        reader_no_memory(&m->r);
                        return;
                }
                list->list = grown;
                list->room = room;
        }
        list->list[list->n++] = t;
}

void read_signature(struct module_text *m, bool names)
{
        m->params.n = m->results.n = 0;
        while (reader_accept_open(&m->r, WORD_PARAM)) {
                if (names && reader_is(&m->r, TOKEN_ID)) {
                        bind_local(m);
                        valtypes_add(m, &m->params, read_valtype(m));
                        m->nlocals++;
                } else {
                        while (at_valtype(m)) {
                                valtypes_add(m, &m->params, read_valtype(m));
                                m->nlocals++;
                        }
                }
                reader_expect_close(&m->r);
        }
        while (reader_accept_open(&m->r, WORD_RESULT)) {
                while (at_valtype(m))
                        valtypes_add(m, &m->results, read_valtype(m));
                reader_expect_close(&m->r);
        }
        /* Parameters come first; said here, before the types are compared with anything. */
        if (reader_is_open(&m->r, WORD_PARAM)) {
                reader_next(&m->r);
                reader_unexpected(&m->r);
        }
}

struct functype signature_copy(struct module_text *m)
{
        size_t nparams = m->params.n, nresults = m->results.n;
        valtype *list = pool_alloc(m->pool, nparams + nresults, sizeof(*list));

        if (!list) {
                reader_no_memory(&m->r);
                return (struct functype) { 0 };
        }
        if (nparams)
                memcpy(list, m->params.list, nparams * sizeof(*list));
        if (nresults)
                memcpy(list + nparams, m->results.list, nresults * sizeof(*list));
        return (struct functype) { (uint32_t)nparams, (uint32_t)nresults, list, list + nparams };
}

struct text_type *type_add(struct module_text *m)
{
        if (m->ntypes == m->types_room) {
                uint32_t room = m->types_room ? m->types_room * 2 : 16;
                struct text_type *types = realloc(m->types, room * sizeof(*types));

                if (!types || room > UINT32_MAX / 4) {
                        reader_no_memory(&m->r);
                        return NULL;
                }
                m->types = types;
                m->types_room = room;
        }
        m->types[m->ntypes] = (struct text_type) { 0 };
        return &m->types[m->ntypes++];
}

/* The bytes of the binary format serve as the key of a function type. */
static void put_signature(struct buffer *b, const valtype *params, uint32_t nparams,
                          const valtype *results, uint32_t nresults)
{
        buffer_u8(b, 0x60);
        buffer_uleb(b, nparams);
        for (uint32_t i = 0; i < nparams; i++)
                put_valtype(b, params[i]);
        buffer_uleb(b, nresults);
        for (uint32_t i = 0; i < nresults; i++)
                put_valtype(b, results[i]);
}

/* The entry of the key that is in m->scratch. */
static struct symbol *key_put(struct module_text *m)
{
        const char *bytes = (const char *)m->scratch.bytes;
        struct symbol *symbol;
        char *copy;

        if (!buffer_ok(&m->scratch)) {
                reader_no_memory(&m->r);
                return NULL;
        }
        symbol = symbols_find(&m->type_keys, bytes, m->scratch.size);
        if (symbol)
                return symbol;
        copy = pool_alloc(m->pool, m->scratch.size, 1);
        if (copy)
                memcpy(copy, bytes, m->scratch.size);
        symbol = copy ? symbols_put(&m->type_keys, copy, m->scratch.size) : NULL;
        if (!symbol)
                reader_no_memory(&m->r);
        return symbol;
}

void type_remember(struct module_text *m, uint32_t index)
{
        const struct functype *f = &m->types[index].function;
        struct symbol *symbol;

        m->scratch.size = 0;
        put_signature(&m->scratch, f->params, f->nparams, f->results, f->nresults);
        symbol = key_put(m);
        if (symbol && symbol->value == SYMBOL_NONE)
                symbol->value = index;
}

/* Index of the function type of m->params and m->results, added when there is none. */
static uint32_t type_intern(struct module_text *m)
{
        struct section *section = &m->sections[SECTION_TYPE];
        struct symbol *symbol;
        struct text_type *type;

        m->scratch.size = 0;
        put_signature(&m->scratch, m->params.list, m->params.n, m->results.list, m->results.n);
        symbol = key_put(m);
        if (!symbol)
                return 0;
        if (symbol->value != SYMBOL_NONE)
                return symbol->value;
        type = type_add(m);
        if (!type)
                return 0;
        *type = (struct text_type) { true, signature_copy(m) };
        symbol->value = m->ntypes - 1;
        section->n++;
        buffer_append(&section->bytes, m->scratch.bytes, m->scratch.size);
        return m->ntypes - 1;
}

static bool list_equal(const valtype *a, uint32_t na, const struct valtypes *b)
{
        return na == b->n && (!na || !memcmp(a, b->list, na * sizeof(*a)));
}

/* What is written out beside "(type x)" must say the same. */
static void check_inline(struct module_text *m, uint32_t index, size_t at)
{
        const struct functype *f;

        if (index >= m->ntypes || !m->types[index].is_function) {
                reader_fail(&m->r, at, "unknown type %u", index);
                return;
        }
        f = &m->types[index].function;
        if (!list_equal(f->params, f->nparams, &m->params) ||
            !list_equal(f->results, f->nresults, &m->results))
                reader_fail(&m->r, at, "inline function type does not match type %u", index);
}

uint32_t read_type_use(struct module_text *m, bool names, uint32_t *ret_nparams)
{
        size_t at = m->r.token.at;
        uint32_t index;

        *ret_nparams = 0;
        if (!reader_accept_open(&m->r, WORD_TYPE)) {
                read_signature(m, names);
                *ret_nparams = m->params.n;
                return m->r.failed ? 0 : type_intern(m);
        }
        index = read_index(m, SPACE_TYPE);
        reader_expect_close(&m->r);
        read_signature(m, names);
        if (m->r.failed)
                return 0;
        if (m->params.n || m->results.n)
                check_inline(m, index, at);
        else if (index >= m->ntypes || !m->types[index].is_function)
                *ret_nparams = SYMBOL_NONE;
        else
                *ret_nparams = m->types[index].function.nparams;
        if (m->params.n)
                *ret_nparams = m->params.n;
        return index;
}

void read_block_type(struct module_text *m, struct buffer *out)
{
        uint32_t nparams;

        if (!reader_is_open(&m->r, WORD_TYPE)) {
                read_signature(m, false);
                if (m->params.n || m->results.n > 1)
                        buffer_sleb(out, type_intern(m));
                else if (m->results.n)
                        put_valtype(out, m->results.list[0]);
                else
                        buffer_u8(out, 0x40);
                return;
        }
        buffer_sleb(out, read_type_use(m, false, &nparams));
}

void print_heap_type(struct printer *p, uint32_t heap)
{
        for (size_t i = 0; i < ELEMENTSOF(heap_types); i++) {
                if (HEAP_OF_BYTE(heap_types[i].byte) == heap) {
                        print(p, word_text(heap_types[i].heap));
                        return;
                }
        }
        printf_to(p, "%u", heap);
}

void print_type(struct printer *p, valtype t)
{
        for (size_t i = 0; i < ELEMENTSOF(number_types); i++) {
                if (number_types[i].kind == valtype_kind(t)) {
                        print(p, word_text(number_types[i].word));
                        return;
                }
        }
        for (size_t i = 0; i < ELEMENTSOF(heap_types); i++) {
                if (VAL_REF_NULL(HEAP_OF_BYTE(heap_types[i].byte)) == t) {
                        print(p, word_text(heap_types[i].ref));
                        return;
                }
        }
        if (valtype_kind(t) > VAL_REF) {
                print(p, valtype_text(t));
                return;
        }
        print(p, t & VAL_NULLABLE ? "(ref null " : "(ref ");
        print_heap_type(p, valtype_heap(t));
        print(p, ")");
}
