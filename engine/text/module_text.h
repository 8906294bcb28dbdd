/* module_text.h - the state of reading one module; shared by the files of this folder that do it.
 *
 * Two passes over the text. The first (bind.c) gives every field its index and its name, so that a use
 * may come before the definition. The second (fields.c) writes the sections as it goes; function
 * types that a use writes out in place are added to the type section where they are met first, as
 * the specification wants it, so that section is put together last (emit.c). */
#pragma once

#include "engine/base/buffer.h"
#include "engine/base/pool.h"
#include "engine/decode/types.h"
#include "engine/text/reader.h"
#include "engine/text/symbols.h"

/* Index spaces of a module, in the order of the subsections of the name section. */
enum space_id {
        SPACE_FUNC,
        SPACE_TYPE,
        SPACE_TABLE,
        SPACE_MEMORY,
        SPACE_GLOBAL,
        SPACE_ELEM,
        SPACE_DATA,
        SPACE_TAG,
        _SPACE_MAX,
};

struct space {
        struct symbols names; /* in ascending order of index */
        struct buffer given;  /* struct symbol: names of annotations, in ascending order of index */
        uint32_t bound;       /* indices given by the first pass */
        uint32_t next;        /* index of the next field in the second pass */
};

enum section_id { /* core specification 5.5.2 */
        SECTION_CUSTOM,
        SECTION_TYPE,
        SECTION_IMPORT,
        SECTION_FUNCTION,
        SECTION_TABLE,
        SECTION_MEMORY,
        SECTION_GLOBAL,
        SECTION_EXPORT,
        SECTION_START,
        SECTION_ELEMENT,
        SECTION_CODE,
        SECTION_DATA,
        SECTION_DATA_COUNT,
        SECTION_TAG,
        _SECTION_MAX,
};

struct section {
        uint32_t n;
        struct buffer bytes;
};

struct custom { /* a custom section of an annotation */
        uint32_t place;       /* see emit.c */
        size_t at, size;      /* in m->custom_bytes: name and contents */
};

struct valtypes {
        valtype *list;
        uint32_t n, room;
};

/* A field found by the first pass. */
struct field {
        size_t at;     /* of its "(" */
        uint16_t word; /* enum word */
};

struct text_type { /* entry of the type index space */
        bool is_function;
        struct functype function;
};

struct label {
        uint32_t symbol;  /* of m->labels, or SYMBOL_NONE */
        uint32_t outer;   /* what the name meant outside */
};

/* An open group or block of the instructions being read, see code.c. */
struct frame {
        uint8_t kind;
        size_t pending_at;  /* where its bytes begin in m->pending */
        struct token label; /* of a folded "if", whose label begins with "then" */
        bool caught, last;  /* of a try: it has catches, its "catch_all" */
        uint8_t hint;       /* of the folded instruction: value + 1, or 0 */
};

/* Where in the text the bytes from .offset on come from, up to the next one. */
struct origin {
        size_t offset, at;
};

struct origins {
        struct buffer code, pending, sections[_SECTION_MAX]; /* struct origin, as the bytes of the same names */
        struct buffer *result;
};

struct module_text {
        struct reader r;
        struct origins *origins; /* NULL: nobody asks */
        size_t begin;            /* of the module in the bytes that it becomes */
        struct pool *pool;
        struct space spaces[_SPACE_MAX];
        struct section sections[_SECTION_MAX];
        const char *name; /* of the module, without "$" */
        size_t name_size;

        struct buffer noted;        /* size_t: places of annotations, filled by the first pass */
        uint32_t annotated;         /* those of them that are behind us */
        struct buffer customs;      /* struct custom */
        struct buffer hint_places;  /* size_t: places of branch hints, filled by the first pass */
        uint32_t hints_behind;      /* those of them that are behind us */
        struct buffer hints;        /* of the function being read: pairs of offset and hint_take() */
        uint32_t hinted;            /* functions in .hint_section, contents of the section */
        struct buffer hint_section;
        struct buffer custom_bytes;

        struct field *fields;
        uint32_t nfields, fields_room;
        bool uses_data_count, has_start;
        uint16_t defined;  /* the word of the first field that is no import, for "import after" */

        struct text_type *types;
        uint32_t ntypes, types_room;
        struct symbols type_keys; /* bytes of a function type -> index */
        struct symbols field_names; /* type index and name of a structure's field -> its index */
        struct valtypes params, results; /* of the type use being read */
        struct buffer scratch;

        struct symbols locals;    /* of the function being read */
        struct valtypes local_types;
        uint32_t nlocals;
        struct valtypes targets;  /* of the br_table being read */
        struct symbols labels;    /* name -> index in the label stack, SYMBOL_NONE when out of scope */
        struct label *label_stack;
        uint32_t nlabels, labels_room;
        struct frame *frames;
        uint32_t nframes, frames_room;
        struct buffer code;       /* of the function or constant expression being read */
        struct buffer pending;    /* instructions that wait for their operands */

        struct buffer local_names; /* contents of that subsection of the name section */
        uint32_t nlocal_names;
};

/* bind.c: the first pass. The reader stands at the first field; afterwards at the end of the last. */
void module_bind(struct module_text *m);

/* fields.c: the second pass */
void module_fields(struct module_text *m);

/* segments.c */
void field_elem(struct module_text *m);
void field_data(struct module_text *m);
/* The reader stands behind "(elem" or "(data"; both return how many elements or bytes. */
uint32_t table_inline_elem(struct module_text *m, uint32_t table, bool is_64, valtype type);
uint64_t memory_inline_data(struct module_text *m, uint32_t memory, bool is_64);

/* type_defs.c: fields "type" and "rec" */
void field_type(struct module_text *m);
void field_rec(struct module_text *m);
/* A field of structure type @type, by number or name. */
uint32_t read_field_index(struct module_text *m, uint32_t type);

/* type_uses.c */
valtype read_valtype(struct module_text *m);
valtype read_reftype(struct module_text *m);
bool at_reftype(struct module_text *m);
bool at_valtype(struct module_text *m);
uint32_t read_heaptype(struct module_text *m);
void put_valtype(struct buffer *b, valtype t);
void put_heaptype(struct buffer *b, uint32_t heap);
void valtypes_add(struct module_text *m, struct valtypes *list, uint32_t t);
/* ("(param ...)")* ("(result ...)")* into m->params and m->results. @names: parameters may have names,
 * which are bound as locals. */
void read_signature(struct module_text *m, bool names);
/* Type use: index of the type. *ret_nparams: SYMBOL_NONE when the type is not known yet. */
uint32_t read_type_use(struct module_text *m, bool names, uint32_t *ret_nparams);
void read_block_type(struct module_text *m, struct buffer *out);
struct text_type *type_add(struct module_text *m);
/* A copy of m->params and m->results that lives as long as @m. */
struct functype signature_copy(struct module_text *m);
/* From now on a type use that is written out in place may mean type @index. */
void type_remember(struct module_text *m, uint32_t index);

/* code.c: instructions up to a ")" that is not theirs; @one: a single folded one. Appended to m->code. */
void read_instructions(struct module_text *m, bool one);
/* The same into @out, with the final "end". */
void read_expression(struct module_text *m, bool one, struct buffer *out);

/* hints.c: branch hints, annotations of an if or a br_if */
/* The hint of the instruction @op whose keyword is at @at: value + 1, or 0 for none. */
uint8_t hint_take(struct module_text *m, enum opcode op, size_t at);
/* The instruction that begins at byte @offset of m->code has it; 0: nothing. */
void hint_put(struct module_text *m, uint8_t hint, size_t offset);
/* Before a field at @at, and at the end: there is no hint left over. */
void hints_begin(struct module_text *m, size_t at);
void hints_end(struct module_text *m, uint32_t function, size_t locals_size);

/* origins.c: all of it does nothing when nobody asks. */
/* What is appended to @out next, m->code or m->pending, is said at @at. */
void origin_note(struct module_text *m, const struct buffer *out, size_t at);
void origins_begin(struct module_text *m);                      /* both are empty */
void origins_flush(struct module_text *m, size_t pending_at);   /* what pends from there on goes to the code */
void origins_land(struct module_text *m, const struct buffer *out); /* the code goes to the end of @out */
void origin_section(struct module_text *m, enum section_id id, size_t offset, size_t at);
/* The contents of @id are at @base of the module; sections come in their order. */
void origins_emit(const struct module_text *m, enum section_id id, size_t base);
void origins_done(struct origins *o);

/* immediates.c: what follows the keyword @word, whose token is already read, into @out with the opcode */
void read_instruction(struct module_text *m, uint16_t word, size_t at, struct buffer *out);
void put_opcode(struct buffer *out, enum opcode op);
uint32_t read_label(struct module_text *m);

/* names.c */
/* The name of an identifier token without "$": bytes that live as long as @m. */
const char *id_name(struct module_text *m, const struct token *t, size_t *ret_size);
bool at_index(const struct module_text *m);
uint32_t read_index(struct module_text *m, enum space_id space);
uint32_t read_local(struct module_text *m);
void bind_id(struct module_text *m, enum space_id space, uint32_t index);
/* The identifier in view, if there is one, names the next local. */
void bind_local(struct module_text *m);
/* A string that must be UTF-8, size first, appended to @out. */
void read_name(struct module_text *m, struct buffer *out);
bool string_put(struct module_text *m, struct buffer *out); /* any string; false when there is none */

/* Where a custom section may be: before or behind section @word of the annotation. False when there is
 * no such place. */
bool custom_place(const char *word, size_t size, bool after, uint32_t *ret);

const char *section_word(uint8_t id); /* the word for a section's number; "last" for none */

/* emit.c
 *
 * Read a module's fields from what is behind the last token of @r on, to the ")" that is not theirs or the end
 * of the text. */
int module_text_read(struct reader *r, const struct token *id, struct buffer *out);
