#include "engine/decode/parser.h"

#include <stdarg.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/decode/decoder.h"

/* In the order of the file (section 5.5.17). */
static const uint8_t section_order[] = {
        SECTION_TYPE,   SECTION_IMPORT, SECTION_FUNCTION, SECTION_TABLE,      SECTION_MEMORY,
        SECTION_TAG,    SECTION_GLOBAL, SECTION_EXPORT,   SECTION_START,      SECTION_ELEMENT,
        SECTION_DATA_COUNT, SECTION_CODE, SECTION_DATA,
};

static const char *const event_texts[_NACELLE_EVENT_MAX] = {
        [NACELLE_MODULE] = "module",           [NACELLE_END] = "end",
        [NACELLE_SECTION] = "section",         [NACELLE_SECTION_END] = "end of section",
        [NACELLE_VECTOR] = "entries",          [NACELLE_CUSTOM] = "custom",
        [NACELLE_BYTES] = "bytes",             [NACELLE_REC] = "rec",
        [NACELLE_SUB] = "sub",                 [NACELLE_SUPER] = "super",
        [NACELLE_FUNC_TYPE] = "func type",     [NACELLE_PARAM] = "param",
        [NACELLE_RESULTS] = "results",         [NACELLE_RESULT] = "result",
        [NACELLE_STRUCT_TYPE] = "struct type", [NACELLE_ARRAY_TYPE] = "array type",
        [NACELLE_FIELD] = "field",             [NACELLE_IMPORT] = "import",
        [NACELLE_FUNC] = "func",               [NACELLE_TABLE] = "table",
        [NACELLE_MEMORY] = "memory",           [NACELLE_GLOBAL] = "global",
        [NACELLE_TAG] = "tag",                 [NACELLE_EXPORT] = "export",
        [NACELLE_START] = "start",             [NACELLE_ELEM] = "elem",
        [NACELLE_ELEM_ITEMS] = "items",        [NACELLE_ELEM_FUNC] = "item",
        [NACELLE_DATA_COUNT] = "data count",   [NACELLE_DATA] = "data",
        [NACELLE_BODY] = "body",               [NACELLE_LOCALS] = "locals",
        [NACELLE_INSTRUCTION] = "instruction", [NACELLE_LABEL] = "label",
        [NACELLE_CATCH] = "catch",             [NACELLE_SELECT_TYPE] = "select type",
        [NACELLE_EXPR_END] = "end of expression", [NACELLE_BODY_END] = "end of body",
};

const char *nacelle_event_text(enum nacelle_event_kind kind)
{
        return kind < _NACELLE_EVENT_MAX ? event_texts[kind] : "";
}

struct nacelle_parser *nacelle_parser_new(void)
{
        struct nacelle_parser *p = calloc(1, sizeof(*p));

        if (p)
                p->body_end = UINT64_MAX;
        return p;
}

void nacelle_parser_free(struct nacelle_parser *p)
{
        if (!p)
                return;
        buffer_done(&p->names);
        free(p);
}

const char *nacelle_parser_error(const struct nacelle_parser *p)
{
        return p->error.code ? p->error.text : "";
}

uint64_t nacelle_parser_offset(const struct nacelle_parser *p)
{
        return p->error.code && p->error.offset != ERROR_NOWHERE ? p->error.offset : p->offset;
}

int parser_error(struct nacelle_parser *p, int code, uint64_t offset, const char *format, ...)
{
        char text[sizeof(p->error.text)];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return error_set(&p->error, STAGE_DECODE, code, offset, "%s", text);
}

uint64_t parser_at(const struct nacelle_parser *p, const struct cursor *c)
{
        return p->offset + (uint64_t)(c->at - c->file);
}

int parser_failed(struct nacelle_parser *p, const struct cursor *c)
{
        if (c->why == text_unexpected_end)
                return STEP_MORE;
        return parser_error(p, c->code ? c->code : -EBADMSG, p->offset + (uint64_t)(c->where - c->file),
                            "%s", c->why);
}

struct nacelle_type parser_type(valtype t)
{
        static const uint8_t codes[] = {
                [VAL_I32] = 0x7f, [VAL_I64] = 0x7e, [VAL_F32] = 0x7d, [VAL_F64] = 0x7c,
                [VAL_V128] = 0x7b, [VAL_I8] = 0x78, [VAL_I16] = 0x77, [VAL_REF] = 0x64,
        };
        uint32_t heap = valtype_heap(t);
        struct nacelle_type type = { .code = codes[valtype_kind(t)] };

        if (valtype_is_ref(t)) {
                type.code = t & VAL_NULLABLE ? 0x63 : 0x64;
                type.heap = heap < HEAP_FIRST_ABSTRACT ? (int32_t)heap : (int32_t)(heap & 0xff) - 0x80;
        }
        return type;
}

void parser_expression(struct nacelle_parser *p, enum parser_state behind)
{
        p->state = STATE_INSTRUCTION;
        p->behind = behind;
        p->depth = 0;
}

void parser_name(struct nacelle_parser *p, enum name_for what)
{
        p->state = STATE_NAME_SIZE;
        p->name_for = what;
        if (what != NAME_IMPORT)
                p->names.size = p->module_bytes = 0;
}

void parser_items_done(struct nacelle_parser *p, enum parser_state then)
{
        if (--p->items == 0)
                p->state = then;
}

void parser_entry_done(struct nacelle_parser *p)
{
        p->entries--;
        p->state = STATE_ENTRY;
}

static int step_header(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        static const uint8_t header[8] = { 0, 'a', 's', 'm', 1, 0, 0, 0 };
        size_t left = cursor_left(c), n = left < 8 ? left : 8;

        if (memcmp(c->at, header, n < 4 ? n : 4))
                return parser_error(p, -EBADMSG, 0, "magic header not detected");
        if (n == 8 && (c->at[6] || c->at[7]))
                return parser_error(p, -EBADMSG, 4, "unknown binary version: a component, and no module");
        if (n > 4 && memcmp(c->at + 4, header + 4, n - 4))
                return parser_error(p, -EBADMSG, 4, "unknown binary version");
        if (n < 8)
                return STEP_MORE;
        c->at += 8;
        p->state = STATE_SECTION;
        *e = (struct nacelle_event) { .kind = NACELLE_MODULE };
        return STEP_EVENT;
}

static int section_begins(struct nacelle_parser *p, uint8_t id)
{
        unsigned row = 0;

        if (id == SECTION_CUSTOM)
                return 0;
        if (id > SECTION_TAG)
                return parser_error(p, -EBADMSG, p->offset, "malformed section id %u", id);
        while (section_order[row] != id)
                row++;
        if (row < p->next_row)
                return parser_error(p, -EBADMSG, p->offset, "unexpected content after last section: "
                                    "section %u is out of order or appears twice", id);
        p->next_row = row + 1;
        return 0;
}

static int step_section(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint32_t size;
        uint8_t id;
        int r;

        if (!read_u8(c, &id))
                return parser_failed(p, c);
        if (id > SECTION_TAG)
                return section_begins(p, id);
        if (!read_u32(c, &size))
                return parser_failed(p, c);
        r = section_begins(p, id);
        if (r < 0)
                return r;
        p->section = id;
        p->entry_at = parser_at(p, c);
        p->section_end = p->entry_at + size;
        if (id == SECTION_CUSTOM)
                parser_name(p, NAME_CUSTOM);
        else
                p->state = id == SECTION_START || id == SECTION_DATA_COUNT ? STATE_ENTRY : STATE_COUNT;
        p->entries = 1;
        *e = (struct nacelle_event) { .kind = NACELLE_SECTION, .section = id, .size = size };
        return STEP_EVENT;
}

static int step_name_size(struct nacelle_parser *p, struct cursor *c)
{
        uint64_t at = parser_at(p, c);
        uint32_t size;

        if (!read_u32(c, &size))
                return parser_failed(p, c);
        if (size > p->section_end - parser_at(p, c))
                return parser_error(p, -EBADMSG, at, "length out of bounds: a name of %u bytes", size);
        if (size > limits_default.name_bytes)
                return parser_error(p, -E2BIG, at, "a name of %u bytes, the limit is %llu", size,
                                    (unsigned long long)limits_default.name_bytes);
        p->left = size;
        p->name_at = parser_at(p, c);
        p->state = STATE_NAME;
        return STEP_ON;
}

static int step_count(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        uint64_t at = parser_at(p, c);
        uint32_t n;

        if (!read_u32(c, &n))
                return parser_failed(p, c);
        if (n > p->section_end - parser_at(p, c))
                return parser_error(p, -EBADMSG, at, "%s: %u entries in %llu bytes", text_unexpected_end, n,
                                    (unsigned long long)(p->section_end - parser_at(p, c)));
        if (p->section == SECTION_FUNCTION) {
                p->functions = n;
                p->functions_at = at;
        } else if (p->section == SECTION_CODE) {
                p->bodies = n;
                p->bodies_at = at;
        } else if (p->section == SECTION_DATA) {
                p->datas = n;
        }
        p->entries = n;
        p->state = STATE_ENTRY;
        *e = (struct nacelle_event) { .kind = NACELLE_VECTOR, .section = p->section, .count = n };
        return STEP_EVENT;
}

static int section_ends(struct nacelle_parser *p, struct nacelle_event *e)
{
        if (p->offset != p->section_end)
                return parser_error(p, -EBADMSG, p->offset, "section size mismatch: %llu bytes behind the "
                                    "content of section %u",
                                    (unsigned long long)(p->section_end - p->offset), p->section);
        p->state = STATE_SECTION;
        *e = (struct nacelle_event) { .kind = NACELLE_SECTION_END, .section = p->section };
        return STEP_EVENT;
}

static int parser_step(struct nacelle_parser *p, struct cursor *c, struct nacelle_event *e)
{
        switch (p->state) {
        case STATE_HEADER:
                return step_header(p, c, e);
        case STATE_SECTION:
                return step_section(p, c, e);
        case STATE_NAME_SIZE:
                return step_name_size(p, c);
        case STATE_COUNT:
                return step_count(p, c, e);
        case STATE_ENTRY:
                return p->entries ? parser_entry(p, c, e) : section_ends(p, e);
        case STATE_LOCALS:
        case STATE_LOCAL:
        case STATE_INSTRUCTION:
        case STATE_LABEL:
        case STATE_CATCH:
        case STATE_SELECT_TYPE:
                return parser_code(p, c, e);
        default:
                return parser_item(p, c, e);
        }
}

/* What can be told only at the end. */
static int module_ends(struct nacelle_parser *p, struct nacelle_event *e)
{
        if (p->functions != p->bodies)
                return parser_error(p, -EBADMSG, p->bodies_at ? p->bodies_at : p->functions_at,
                                    "function and code section have inconsistent lengths: %u functions, "
                                    "%u bodies", p->functions, p->bodies);
        if (p->has_data_count && p->data_count != p->datas)
                return parser_error(p, -EBADMSG, p->data_count_at, "data count and data section have "
                                    "inconsistent lengths: %u announced, %u present", p->data_count, p->datas);
        p->state = STATE_END;
        *e = (struct nacelle_event) { .kind = NACELLE_END };
        return STEP_EVENT;
}

static int name_ends(struct nacelle_parser *p, struct nacelle_event *e)
{
        const uint8_t *bytes = p->names.bytes;
        size_t from = p->name_for == NAME_IMPORT ? p->module_bytes : 0;

        if (!buffer_ok(&p->names))
                return parser_error(p, -ENOMEM, p->offset, "out of memory");
        if (p->names.size > from && !utf8_is_valid(bytes + from, p->names.size - from))
                return parser_error(p, -EBADMSG, p->name_at, "malformed UTF-8 encoding");
        switch (p->name_for) {
        case NAME_MODULE:
                p->module_bytes = p->names.size;
                parser_name(p, NAME_IMPORT);
                return STEP_ON;
        case NAME_IMPORT:
                p->state = STATE_IMPORT;
                return STEP_ON;
        case NAME_EXPORT:
                p->state = STATE_EXPORT;
                return STEP_ON;
        default:
                p->left = p->section_end - p->offset;
                p->state = STATE_BYTES;
                *e = (struct nacelle_event) { .kind = NACELLE_CUSTOM, .size = p->left,
                                              .name = { (const char *)bytes, p->names.size } };
                return STEP_EVENT;
        }
}

/* As much of a name or of contents as there is. */
static int take_bytes(struct nacelle_parser *p, const uint8_t **at, const uint8_t *end,
                      struct nacelle_event *e)
{
        uint64_t there = (uint64_t)(end - *at), n = there < p->left ? there : p->left;
        const uint8_t *from = *at;

        if (!n && p->left)
                return STEP_MORE;
        *at += n;
        p->offset += n;
        p->left -= n;
        if (p->state == STATE_NAME) {
                if (n)
                        buffer_append(&p->names, from, n);
                return p->left ? STEP_MORE : name_ends(p, e);
        }
        *e = (struct nacelle_event) { .kind = NACELLE_BYTES, .section = p->section, .bytes = from,
                                      .size = n, .last = !p->left };
        if (!p->left && p->section == SECTION_CUSTOM)
                p->state = STATE_SECTION;
        else if (!p->left)
                parser_entry_done(p);
        return STEP_EVENT;
}

/* Up to where an item may reach. */
static uint64_t limit_of(const struct nacelle_parser *p)
{
        if (p->state == STATE_HEADER || p->state == STATE_SECTION)
                return UINT64_MAX;
        return p->body_end < p->section_end ? p->body_end : p->section_end;
}

/* One item, from the carried bytes and those that follow, or from the latter alone. */
static int take_item(struct nacelle_parser *p, const uint8_t **at, const uint8_t *end,
                     struct nacelle_event *e)
{
        uint64_t there = (uint64_t)(end - *at), most = limit_of(p) - p->offset;
        size_t joined = 0, n = there < most ? there : most;
        struct cursor c = { .at = *at };
        int r;

        if (p->ncarry) {
                most -= p->ncarry;
                joined = ITEM_MAX - p->ncarry;
                joined = joined < there ? joined : there;
                joined = joined < most ? joined : most;
                if (joined)
                        memcpy(p->carry + p->ncarry, *at, joined);
                n = p->ncarry + joined;
                c.at = p->carry;
        }
        c.file = c.at;
        c.end = c.file_end = c.at + n;
        r = parser_step(p, &c, e);
        if (r == STEP_ON || r == STEP_EVENT) {
                size_t taken = (size_t)(c.at - c.file);

                p->offset += taken;
                if (taken < p->ncarry) { /* a byte that was only looked at */
                        memmove(p->carry, p->carry + taken, p->ncarry - taken);
                        p->ncarry -= (unsigned)taken;
                        return r;
                }
                *at += taken - p->ncarry;
                p->ncarry = 0;
                return r;
        }
        if (r < 0)
                return r;
        /* Too few bytes, although no more may come before the section or the body ends. */
        if (p->offset + n == limit_of(p))
                return parser_error(p, -EBADMSG, p->offset + n, "%s", text_unexpected_end);
        if (n >= ITEM_MAX)
                return parser_error(p, -EBADMSG, p->offset, "an item longer than all there are");
        if (!p->ncarry && n)
                memcpy(p->carry, *at, n);
        *at += p->ncarry ? joined : n;
        p->ncarry = (unsigned)n;
        return STEP_MORE;
}

static bool starts_with_name(enum nacelle_event_kind kind)
{
        return kind == NACELLE_IMPORT || kind == NACELLE_EXPORT || kind == NACELLE_CUSTOM;
}

int nacelle_parser_next(struct nacelle_parser *p, const uint8_t **at, const uint8_t *end, bool last,
                        struct nacelle_event *ret)
{
        if (p->error.code)
                return p->error.code;
        for (;;) {
                uint64_t offset = p->offset;
                int r = p->state == STATE_END ? STEP_MORE
                        : p->state == STATE_NAME || p->state == STATE_BYTES ? take_bytes(p, at, end, ret)
                                                                            : take_item(p, at, end, ret);

                if (r == STEP_MORE && *at == end) {
                        if (!last || p->state == STATE_END)
                                return 0;
                        if (p->state != STATE_SECTION || p->ncarry)
                                return parser_error(p, -EBADMSG, p->offset + p->ncarry, "%s",
                                                    text_unexpected_end);
                        r = module_ends(p, ret);
                }
                if (r < 0)
                        return r;
                if (r == STEP_EVENT) {
                        ret->offset = starts_with_name(ret->kind) ? p->entry_at : offset;
                        return 1;
                }
        }
}
