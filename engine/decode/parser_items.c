/* The entries of sections but for code (5.5.4 to 5.5.14). Everything is read before anything is changed. */
#include "engine/decode/decoder.h"
#include "engine/decode/parser.h"

#define FAILED(c) return parser_failed(p, c)

/* Flags: has a maximum (1), shared (2), 64-bit addresses (4), a page size at the end (8). */
static bool read_limits(struct cursor *c, bool memory, struct nacelle_limits *ret)
{
        const uint8_t *at = c->at;
        uint32_t shift = 16;
        uint8_t flags;

        if (!read_u8(c, &flags))
                return false;
        if (flags > (memory ? 15 : 7) || (flags & 2 && !memory))
                return cursor_fail(c, at, "malformed limits flags");
        *ret = (struct nacelle_limits) { .has_max = flags & 1, .is_shared = flags & 2, .is_64 = flags & 4 };
        if (!read_u64(c, &ret->min) || (ret->has_max && !read_u64(c, &ret->max)))
                return false;
        at = c->at;
        if (flags & 8 && !read_u32(c, &shift))
                return false;
        if (shift > 63)
                return cursor_fail(c, at, "invalid custom page size");
        ret->page_log2 = (uint8_t)shift;
        return true;
}

static bool read_reftype(struct cursor *c, struct nacelle_type *ret)
{
        const uint8_t *at = c->at;
        valtype t;

        if (!body_valtype(c, true, &t))
                return false;
        if (!valtype_is_ref(t))
                return cursor_fail(c, at, "malformed reference type");
        *ret = parser_type(t);
        return true;
}

static bool read_mutable(struct cursor *c, bool *ret)
{
        const uint8_t *at = c->at;
        uint8_t byte;

        if (!read_u8(c, &byte))
                return false;
        if (byte > 1)
                return cursor_fail(c, at, "malformed mutability");
        *ret = byte;
        return true;
}

static bool read_tag(struct cursor *c, struct nacelle_event *e)
{
        const uint8_t *at = c->at;
        uint8_t attribute;

        if (!read_u8(c, &attribute))
                return false;
        if (attribute)
                return cursor_fail(c, at, "malformed tag attribute");
        return read_u32(c, &e->index);
}

static bool read_global(struct cursor *c, struct nacelle_event *e)
{
        valtype t;

        if (!body_valtype(c, true, &t) || !read_mutable(c, &e->is_mutable))
                return false;
        e->type = parser_type(t);
        return true;
}

static int entry_type(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint8_t form;
        uint32_t n;

        if (!read_u8(c, &form))
                FAILED(c);
        if (form != 0x4e) {
                c->at--;
                p->group = 1;
                p->state = STATE_TYPE;
                return STEP_ON;
        }
        if (!read_u32(c, &n))
                FAILED(c);
        p->group = n;
        if (n)
                p->state = STATE_TYPE;
        else
                parser_entry_done(p);
        *e = (struct nacelle_event) { .kind = NACELLE_REC, .count = n };
        return STEP_EVENT;
}

/* "sub" with its supertypes, or the type itself. */
static int item_type(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint8_t form;
        uint32_t n;

        if (!read_u8(c, &form))
                FAILED(c);
        if (form != 0x4f && form != 0x50) {
                c->at--;
                p->state = STATE_COMPOSITE;
                return STEP_ON;
        }
        if (!read_u32(c, &n))
                FAILED(c);
        p->items = n;
        p->state = n ? STATE_SUPER : STATE_COMPOSITE;
        *e = (struct nacelle_event) { .kind = NACELLE_SUB, .is_final = form == 0x4f, .count = n };
        return STEP_EVENT;
}

static void type_done(struct nacelle_parser *p)
{
        p->state = STATE_TYPE;
        if (--p->group == 0)
                parser_entry_done(p);
}

static int item_composite(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        const uint8_t *at = c->at;
        uint32_t n = 1;
        uint8_t form;

        if (!read_u8(c, &form))
                FAILED(c);
        if (form != 0x5e && form != 0x5f && form != 0x60)
                return parser_error(p, -EBADMSG, p->offset + (uint64_t)(at - c->file),
                                    form & 0x80 ? "integer representation too long"
                                                : "malformed definition type 0x%02x", form);
        if (form != 0x5e && !read_u32(c, &n))
                FAILED(c);
        p->items = n;
        *e = (struct nacelle_event) { .count = n };
        if (form == 0x60) {
                e->kind = NACELLE_FUNC_TYPE;
                p->state = n ? STATE_PARAM : STATE_RESULTS;
        } else {
                e->kind = form == 0x5f ? NACELLE_STRUCT_TYPE : NACELLE_ARRAY_TYPE;
                p->state = STATE_FIELD;
                if (!n)
                        type_done(p);
        }
        return STEP_EVENT;
}

static int item_valtype(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        bool param = p->state == STATE_PARAM;
        valtype t;

        if (!body_valtype(c, true, &t))
                FAILED(c);
        *e = (struct nacelle_event) { .kind = param ? NACELLE_PARAM : NACELLE_RESULT,
                                      .type = parser_type(t) };
        parser_items_done(p, STATE_RESULTS);
        if (!param && !p->items)
                type_done(p);
        return STEP_EVENT;
}

static int item_results(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint32_t n;

        if (!read_u32(c, &n))
                FAILED(c);
        p->items = n;
        p->state = STATE_RESULT;
        if (!n)
                type_done(p);
        *e = (struct nacelle_event) { .kind = NACELLE_RESULTS, .count = n };
        return STEP_EVENT;
}

static int item_field(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        bool packed = c->at < c->end && (*c->at == 0x78 || *c->at == 0x77), is_mutable;
        struct nacelle_type type;
        valtype t;

        if (packed)
                type = (struct nacelle_type) { .code = *c->at++ };
        else if (body_valtype(c, true, &t))
                type = parser_type(t);
        else
                FAILED(c);
        if (!read_mutable(c, &is_mutable))
                FAILED(c);
        *e = (struct nacelle_event) { .kind = NACELLE_FIELD, .type = type, .is_mutable = is_mutable };
        if (--p->items == 0)
                type_done(p);
        return STEP_EVENT;
}

static int item_import(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        const uint8_t *at = c->at;
        const char *names = (const char *)p->names.bytes;
        bool good;

        *e = (struct nacelle_event) {
                .kind = NACELLE_IMPORT,
                .module = { names, p->module_bytes },
                .name = { names + p->module_bytes, p->names.size - p->module_bytes },
        };
        if (!read_u8(c, &e->external))
                FAILED(c);
        switch (e->external) {
        case NACELLE_EXTERN_FUNC:
                good = read_u32(c, &e->index);
                break;
        case NACELLE_EXTERN_TABLE:
                good = read_reftype(c, &e->type) && read_limits(c, false, &e->limits);
                break;
        case NACELLE_EXTERN_MEMORY:
                good = read_limits(c, true, &e->limits);
                break;
        case NACELLE_EXTERN_GLOBAL:
                good = read_global(c, e);
                break;
        case NACELLE_EXTERN_TAG:
                good = read_tag(c, e);
                break;
        default:
                good = cursor_fail(c, at, "malformed import kind");
        }
        if (!good)
                FAILED(c);
        parser_entry_done(p);
        return STEP_EVENT;
}

static int item_export(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        const uint8_t *at = c->at;

        *e = (struct nacelle_event) { .kind = NACELLE_EXPORT,
                                      .name = { (const char *)p->names.bytes, p->names.size } };
        if (!read_u8(c, &e->external) || (e->external > NACELLE_EXTERN_TAG
                                                  ? !cursor_fail(c, at, "malformed export kind")
                                                  : !read_u32(c, &e->index)))
                FAILED(c);
        parser_entry_done(p);
        return STEP_EVENT;
}

static int entry_table(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint8_t first, second;

        *e = (struct nacelle_event) { .kind = NACELLE_TABLE };
        if (!read_u8(c, &first))
                FAILED(c);
        e->has_init = first == 0x40;
        if (!e->has_init)
                c->at--;
        else if (!read_u8(c, &second) || (second && !cursor_fail(c, c->at - 1, "malformed table")))
                FAILED(c);
        if (!read_reftype(c, &e->type) || !read_limits(c, false, &e->limits))
                FAILED(c);
        if (e->has_init)
                parser_expression(p, STATE_ENTRY);
        else
                parser_entry_done(p);
        return STEP_EVENT;
}

/* Bits of the flags: not active (1), a table index or declarative (2), expressions (4). */
static int entry_elem(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        const uint8_t *at = c->at;
        uint32_t flags, table = 0;

        if (!read_u32(c, &flags))
                FAILED(c);
        if (flags > 7)
                return parser_error(p, -EBADMSG, p->offset + (uint64_t)(at - c->file),
                                    "malformed elements segment kind %u", flags);
        if ((flags & 3) == 2 && !read_u32(c, &table))
                FAILED(c);
        p->flags = flags;
        *e = (struct nacelle_event) {
                .kind = NACELLE_ELEM,
                .mode = !(flags & 1) ? NACELLE_ACTIVE : flags & 2 ? NACELLE_DECLARATIVE : NACELLE_PASSIVE,
                .index = table,
        };
        if (flags & 1)
                p->state = STATE_ELEM_KIND;
        else
                parser_expression(p, STATE_ELEM_KIND);
        return STEP_EVENT;
}

/* Type or kind, where the flags want one, and the count. */
static int item_elem_kind(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        const uint8_t *at = c->at;
        uint8_t kind;
        uint32_t n;

        *e = (struct nacelle_event) { .kind = NACELLE_ELEM_ITEMS, .has_init = p->flags & 4 };
        e->type = parser_type(p->flags & 4 ? VAL_FUNCREF : VAL_REF_TO(HEAP_FUNC));
        if (p->flags & 3) {
                if (p->flags & 4) {
                        if (!read_reftype(c, &e->type))
                                FAILED(c);
                } else if (!read_u8(c, &kind) || (kind && !cursor_fail(c, at, "malformed element kind"))) {
                        FAILED(c);
                }
        }
        if (!read_u32(c, &n))
                FAILED(c);
        e->count = n;
        p->items = n;
        p->exprs = p->flags & 4;
        if (!n)
                parser_entry_done(p);
        else if (p->exprs)
                parser_expression(p, STATE_ELEM_ITEM);
        else
                p->state = STATE_ELEM_ITEM;
        return STEP_EVENT;
}

/* A function, or what is behind an expression: nothing to read. */
static int item_elem(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint32_t index = 0;

        if (!p->exprs && !read_u32(c, &index))
                FAILED(c);
        if (--p->items == 0)
                parser_entry_done(p);
        else if (p->exprs)
                parser_expression(p, STATE_ELEM_ITEM);
        *e = (struct nacelle_event) { .kind = NACELLE_ELEM_FUNC, .index = index };
        return p->exprs ? STEP_ON : STEP_EVENT;
}

static int entry_data(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        const uint8_t *at = c->at;
        uint32_t flags, memory = 0;

        if (!read_u32(c, &flags))
                FAILED(c);
        if (flags > 2)
                return parser_error(p, -EBADMSG, p->offset + (uint64_t)(at - c->file),
                                    "malformed data segment kind %u", flags);
        if (flags == 2 && !read_u32(c, &memory))
                FAILED(c);
        *e = (struct nacelle_event) { .kind = NACELLE_DATA, .index = memory,
                                      .mode = flags == 1 ? NACELLE_PASSIVE : NACELLE_ACTIVE };
        if (flags == 1)
                p->state = STATE_DATA_SIZE;
        else
                parser_expression(p, STATE_DATA_SIZE);
        return STEP_EVENT;
}

static int item_data_size(struct nacelle_parser *p, struct cursor *c)
{
        uint64_t at = parser_at(p, c);
        uint32_t size;

        if (!read_u32(c, &size))
                FAILED(c);
        if (size > p->section_end - parser_at(p, c))
                return parser_error(p, -EBADMSG, at, "%s: a data segment of %u bytes", text_unexpected_end,
                                    size);
        p->left = size;
        p->state = STATE_BYTES;
        return STEP_ON;
}

static int entry_body(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint64_t at = parser_at(p, c);
        uint32_t size;

        if (!read_u32(c, &size))
                FAILED(c);
        if (size > p->section_end - parser_at(p, c))
                return parser_error(p, -EBADMSG, at, "%s: a body of %u bytes", text_unexpected_end, size);
        *e = (struct nacelle_event) { .kind = NACELLE_BODY, .index = p->bodies - p->entries, .size = size };
        p->body_end = parser_at(p, c) + size;
        p->depth = 0;
        p->state = STATE_LOCALS;
        return STEP_EVENT;
}

/* Entries that are one item. */
static int entry_plain(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint64_t at = parser_at(p, c);
        bool good;

        *e = (struct nacelle_event) { 0 };
        switch (p->section) {
        case SECTION_FUNCTION:
                e->kind = NACELLE_FUNC;
                good = read_u32(c, &e->index);
                break;
        case SECTION_MEMORY:
                e->kind = NACELLE_MEMORY;
                good = read_limits(c, true, &e->limits);
                break;
        case SECTION_TAG:
                e->kind = NACELLE_TAG;
                good = read_tag(c, e);
                break;
        case SECTION_START:
                e->kind = NACELLE_START;
                good = read_u32(c, &e->index);
                break;
        default: /* the data count */
                e->kind = NACELLE_DATA_COUNT;
                good = read_u32(c, &e->count);
                break;
        }
        if (!good)
                FAILED(c);
        if (p->section == SECTION_DATA_COUNT) {
                p->has_data_count = true;
                p->data_count = e->count;
                p->data_count_at = at;
        }
        parser_entry_done(p);
        return STEP_EVENT;
}

int parser_entry(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        switch (p->section) {
        case SECTION_TYPE:
                return entry_type(p, c, e);
        case SECTION_IMPORT:
                p->entry_at = p->offset;
                parser_name(p, NAME_MODULE);
                return STEP_ON;
        case SECTION_EXPORT:
                p->entry_at = p->offset;
                parser_name(p, NAME_EXPORT);
                return STEP_ON;
        case SECTION_TABLE:
                return entry_table(p, c, e);
        case SECTION_GLOBAL:
                *e = (struct nacelle_event) { .kind = NACELLE_GLOBAL };
                if (!read_global(c, e))
                        FAILED(c);
                parser_expression(p, STATE_ENTRY);
                return STEP_EVENT;
        case SECTION_ELEMENT:
                return entry_elem(p, c, e);
        case SECTION_CODE:
                return entry_body(p, c, e);
        case SECTION_DATA:
                return entry_data(p, c, e);
        default:
                return entry_plain(p, c, e);
        }
}

int parser_item(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint32_t index;

        switch (p->state) {
        case STATE_TYPE:
                return item_type(p, c, e);
        case STATE_SUPER:
                if (!read_u32(c, &index))
                        FAILED(c);
                *e = (struct nacelle_event) { .kind = NACELLE_SUPER, .index = index };
                parser_items_done(p, STATE_COMPOSITE);
                return STEP_EVENT;
        case STATE_COMPOSITE:
                return item_composite(p, c, e);
        case STATE_PARAM:
        case STATE_RESULT:
                return item_valtype(p, c, e);
        case STATE_RESULTS:
                return item_results(p, c, e);
        case STATE_FIELD:
                return item_field(p, c, e);
        case STATE_IMPORT:
                return item_import(p, c, e);
        case STATE_EXPORT:
                return item_export(p, c, e);
        case STATE_ELEM_KIND:
                return item_elem_kind(p, c, e);
        case STATE_ELEM_ITEM:
                return item_elem(p, c, e);
        default:
                return item_data_size(p, c);
        }
}
