#include <string.h>

#include "engine/decode/body.h"
#include "engine/text/module_text.h"

/* Instructions come flat or folded, and folded ones contain flat ones again. The stack of open groups
 * is our own, so nesting costs memory and not C stack.
 *
 * A folded instruction is written after its operands: its bytes wait in m->pending, which is a stack as
 * well, until its ")". */
enum frame_kind {
        FRAME_OPERANDS, /* folded plain instruction: only folded ones inside */
        FRAME_BLOCK,    /* folded block or loop */
        FRAME_IF,       /* folded if, before "then": its condition */
        FRAME_IF_THEN,
        FRAME_IF_BETWEEN, /* behind the ")" of "then" */
        FRAME_IF_ELSE,
        FRAME_IF_LAST,  /* behind the ")" of "else" */
        FRAME_TRY,      /* folded try, before "do" */
        FRAME_TRY_PART, /* in "do", "catch" or "catch_all" */
        FRAME_TRY_BETWEEN,
        FRAME_TRY_LAST, /* behind "catch_all" */
        FRAME_TRY_DONE, /* behind "delegate": its end is written */
        FRAME_FLAT_TRY, /* ends with "end" or "delegate", and has catches */
        FRAME_FLAT,     /* flat block or loop, or the else part of an if: ends with "end" */
        FRAME_FLAT_IF,  /* ends with "else" or "end" */
        _FRAME_MAX,
};

/* Where flat instructions may stand. */
static const bool takes_flat[_FRAME_MAX] = {
        [FRAME_BLOCK] = true, [FRAME_IF_THEN] = true, [FRAME_IF_ELSE] = true,
        [FRAME_FLAT] = true,  [FRAME_FLAT_IF] = true, [FRAME_TRY_PART] = true,
        [FRAME_FLAT_TRY] = true,
};

/* Where folded instructions may stand. */
static const bool takes_folded[_FRAME_MAX] = {
        [FRAME_OPERANDS] = true, [FRAME_IF] = true,   [FRAME_BLOCK] = true,   [FRAME_IF_THEN] = true,
        [FRAME_IF_ELSE] = true,  [FRAME_FLAT] = true, [FRAME_FLAT_IF] = true,
        [FRAME_TRY_PART] = true, [FRAME_FLAT_TRY] = true,
};

static struct frame *frame_push(struct module_text *m, enum frame_kind kind)
{
        if (m->nframes == m->frames_room) {
                uint32_t room = m->frames_room ? m->frames_room * 2 : 64;
                struct frame *frames = realloc(m->frames, room * sizeof(*frames));

                if (!frames || room > UINT32_MAX / 4) {
                        reader_no_memory(&m->r);
                        return NULL;
                }
                m->frames = frames;
                m->frames_room = room;
        }
        m->frames[m->nframes] = (struct frame) { .kind = kind, .pending_at = m->pending.size };
        return &m->frames[m->nframes++];
}

static void label_push(struct module_text *m, const struct token *id)
{
        struct label label = { .symbol = SYMBOL_NONE };

        if (m->nlabels == m->labels_room) {
                uint32_t room = m->labels_room ? m->labels_room * 2 : 64;
                struct label *stack = realloc(m->label_stack, room * sizeof(*stack));

                if (!stack || room > UINT32_MAX / 4) {
                        reader_no_memory(&m->r);
                        return;
                }
                m->label_stack = stack;
                m->labels_room = room;
        }
        if (id->kind == TOKEN_ID) {
                size_t size;
                const char *name = id_name(m, id, &size);
                struct symbol *symbol = m->r.failed ? NULL : symbols_put(&m->labels, name, size);

                if (!symbol) {
                        reader_no_memory(&m->r);
                        return;
                }
                label.symbol = (uint32_t)(symbol - m->labels.list);
                label.outer = symbol->value;
                symbol->value = m->nlabels;
        }
        m->label_stack[m->nlabels++] = label;
}

static void label_pop(struct module_text *m)
{
        const struct label *label = &m->label_stack[--m->nlabels];

        if (label->symbol != SYMBOL_NONE)
                m->labels.list[label->symbol].value = label->outer;
}

/* "else $l" and "end $l" may repeat the block's name. */
static void check_label(struct module_text *m)
{
        const struct label *label = &m->label_stack[m->nlabels - 1];
        const struct symbol *symbol;
        const char *name;
        size_t size;

        if (!reader_is(&m->r, TOKEN_ID))
                return;
        name = id_name(m, &m->r.token, &size);
        symbol = label->symbol == SYMBOL_NONE ? NULL : &m->labels.list[label->symbol];
        if (!symbol || symbol->size != size || memcmp(symbol->bytes, name, size))
                reader_fail(&m->r, m->r.token.at, "mismatching label");
        else
                reader_next(&m->r);
}

/* "(catch $tag $label)" and the like; labels are those around the try_table. */
static void read_catches(struct module_text *m, struct buffer *out)
{
        static const enum word words[] = { WORD_CATCH, WORD_CATCH_REF, WORD_CATCH_ALL,
                                           WORD_CATCH_ALL_REF };
        _cleanup_(buffer_done) struct buffer clauses = { 0 };
        uint32_t n = 0;

        for (unsigned kind = 0; kind < ELEMENTSOF(words);) {
                if (!reader_accept_open(&m->r, words[kind])) {
                        kind++;
                        continue;
                }
                buffer_u8(&clauses, (uint8_t)kind);
                if (kind <= CATCH_REF)
                        buffer_uleb(&clauses, read_index(m, SPACE_TAG));
                buffer_uleb(&clauses, read_label(m));
                reader_expect_close(&m->r);
                n++;
                kind = 0;
        }
        buffer_uleb(out, n);
        buffer_append(out, clauses.bytes, clauses.size);
        out->failed = out->failed || clauses.failed;
}

/* The label's name if there is one, then the block type; "block", "loop" or "if" is already read. */
static struct token read_block_head(struct module_text *m, enum opcode op, struct buffer *out)
{
        struct token id = { 0 };

        if (reader_is(&m->r, TOKEN_ID)) {
                id = m->r.token;
                reader_next(&m->r);
        }
        put_opcode(out, op);
        read_block_type(m, out);
        if (op == OP_TRY_TABLE)
                read_catches(m, out);
        return id;
}

/* The instruction @word is written before what it contains, not behind its operands. */
static bool word_opens(uint16_t word)
{
        enum opcode op = word_opcode(word);

        return op == OP_BLOCK || op == OP_LOOP || op == OP_TRY_TABLE || op == OP_TRY;
}

static void read_folded(struct module_text *m)
{
        size_t at;
        struct frame *frame;
        struct token id;
        uint16_t word;
        uint8_t hint;

        reader_next(&m->r);
        word = reader_is(&m->r, TOKEN_WORD) ? m->r.token.word : WORD_NONE;
        if (!word_is_instruction(word) || word_opcode(word) == OP_ELSE ||
            word_opcode(word) == OP_END || word_opcode(word) == OP_DELEGATE) {
                reader_unexpected(&m->r);
                return;
        }
        at = m->r.token.at;
        hint = hint_take(m, word_opcode(word), at);
        reader_next(&m->r);
        origin_note(m, word_opens(word) ? &m->code : &m->pending, at);
        switch (word_opcode(word)) {
        case OP_BLOCK:
        case OP_LOOP:
        case OP_TRY_TABLE:
                id = read_block_head(m, word_opcode(word), &m->code);
                frame_push(m, FRAME_BLOCK);
                label_push(m, &id);
                break;
        case OP_TRY:
                id = read_block_head(m, OP_TRY, &m->code);
                frame_push(m, FRAME_TRY);
                label_push(m, &id);
                break;
        case OP_IF:
                frame = frame_push(m, FRAME_IF);
                if (!frame)
                        break;
                frame->hint = hint;
                frame->label = read_block_head(m, OP_IF, &m->pending);
                break;
        default:
                frame = frame_push(m, FRAME_OPERANDS);
                if (frame)
                        frame->hint = hint;
                read_instruction(m, word, at, &m->pending);
                break;
        }
}

static void flush_pending(struct module_text *m, const struct frame *frame)
{
        hint_put(m, frame->hint, m->code.size);
        origins_flush(m, frame->pending_at);
        buffer_append(&m->code, m->pending.bytes + frame->pending_at,
                      m->pending.size - frame->pending_at);
        m->pending.size = frame->pending_at;
}

/* The rest of a "catch" or "catch_all", whose keyword is read. */
static void put_catch(struct module_text *m, bool all)
{
        put_opcode(&m->code, all ? OP_CATCH_ALL : OP_CATCH);
        if (!all)
                buffer_uleb(&m->code, read_index(m, SPACE_TAG));
}

/* The same of a "delegate", which ends its try: the label is one around it. */
static void put_delegate(struct module_text *m)
{
        label_pop(m);
        put_opcode(&m->code, OP_DELEGATE);
        buffer_uleb(&m->code, read_label(m));
}

/* "(do", "(catch", "(catch_all" and "(delegate" of the folded try on top */
static bool read_try_part(struct module_text *m, struct frame *frame)
{
        bool all;

        if (frame->kind == FRAME_TRY && reader_accept_open(&m->r, WORD_DO)) {
                frame->kind = FRAME_TRY_PART;
                return true;
        }
        if (frame->kind != FRAME_TRY_BETWEEN)
                return false;
        origin_note(m, &m->code, m->r.token.at);
        all = reader_is_open(&m->r, WORD_CATCH_ALL);
        if (all || reader_is_open(&m->r, WORD_CATCH)) {
                (void)reader_accept_open(&m->r, all ? WORD_CATCH_ALL : WORD_CATCH);
                put_catch(m, all);
                frame->kind = FRAME_TRY_PART;
                frame->caught = true;
                frame->last = all;
                return true;
        }
        if (!frame->caught && reader_accept_open(&m->r, (enum word)(WORD_INSTRUCTIONS + OP_DELEGATE))) {
                put_delegate(m);
                reader_expect_close(&m->r);
                frame->kind = FRAME_TRY_DONE;
                return true;
        }
        return false;
}

/* "(then" and "(else" of the folded if on top */
static bool read_if_part(struct module_text *m, struct frame *frame)
{
        if (read_try_part(m, frame))
                return true;
        if (frame->kind == FRAME_IF && reader_accept_open(&m->r, WORD_THEN)) {
                flush_pending(m, frame);
                frame->kind = FRAME_IF_THEN;
                label_push(m, &frame->label);
                return true;
        }
        origin_note(m, &m->code, m->r.token.at);
        if (frame->kind == FRAME_IF_BETWEEN &&
            reader_accept_open(&m->r, (enum word)(WORD_INSTRUCTIONS + OP_ELSE))) {
                put_opcode(&m->code, OP_ELSE);
                frame->kind = FRAME_IF_ELSE;
                return true;
        }
        return false;
}

/* The ")" of the frame on top. */
static void close_group(struct module_text *m)
{
        struct frame *frame = &m->frames[m->nframes - 1];

        if (frame->kind != FRAME_OPERANDS)
                origin_note(m, &m->code, m->r.token.at);
        switch ((enum frame_kind)frame->kind) {
        case FRAME_OPERANDS:
                flush_pending(m, frame);
                m->nframes--;
                break;
        case FRAME_TRY_DONE:
                m->nframes--;
                break;
        case FRAME_TRY_PART:
                frame->kind = frame->last ? FRAME_TRY_LAST : FRAME_TRY_BETWEEN;
                break;
        case FRAME_BLOCK:
        case FRAME_IF_BETWEEN:
        case FRAME_IF_LAST:
        case FRAME_TRY_BETWEEN:
        case FRAME_TRY_LAST:
                put_opcode(&m->code, OP_END);
                label_pop(m);
                m->nframes--;
                break;
        case FRAME_IF_THEN:
                frame->kind = FRAME_IF_BETWEEN;
                break;
        case FRAME_IF_ELSE:
                frame->kind = FRAME_IF_LAST;
                break;
        default:
                reader_unexpected(&m->r);
                return;
        }
        reader_next(&m->r);
}

static void read_flat(struct module_text *m)
{
        struct frame *frame = m->nframes ? &m->frames[m->nframes - 1] : NULL;
        uint16_t word = m->r.token.word;
        size_t at = m->r.token.at;
        struct token id;

        origin_note(m, &m->code, at);
        if (frame && frame->kind == FRAME_FLAT_TRY && (word == WORD_CATCH || word == WORD_CATCH_ALL)) {
                reader_next(&m->r);
                put_catch(m, word == WORD_CATCH_ALL);
                frame->kind = word == WORD_CATCH_ALL ? FRAME_FLAT : FRAME_FLAT_TRY;
                frame->caught = true;
                return;
        }
        if (!word_is_instruction(word) || (frame && !takes_flat[frame->kind])) {
                reader_unexpected(&m->r);
                return;
        }
        hint_put(m, hint_take(m, word_opcode(word), at), m->code.size);
        switch (word_opcode(word)) {
        case OP_BLOCK:
        case OP_LOOP:
        case OP_TRY_TABLE:
        case OP_IF:
        case OP_TRY:
                reader_next(&m->r);
                id = read_block_head(m, word_opcode(word), &m->code);
                frame_push(m, word_opcode(word) == OP_IF    ? FRAME_FLAT_IF
                              : word_opcode(word) == OP_TRY ? FRAME_FLAT_TRY
                                                            : FRAME_FLAT);
                label_push(m, &id);
                break;
        case OP_DELEGATE:
                if (!frame || frame->kind != FRAME_FLAT_TRY || frame->caught) {
                        reader_unexpected(&m->r);
                        break;
                }
                reader_next(&m->r);
                put_delegate(m);
                m->nframes--;
                break;
        case OP_ELSE:
                if (!frame || frame->kind != FRAME_FLAT_IF) {
                        reader_unexpected(&m->r);
                        break;
                }
                reader_next(&m->r);
                check_label(m);
                put_opcode(&m->code, OP_ELSE);
                frame->kind = FRAME_FLAT;
                break;
        case OP_END:
                if (!frame || (frame->kind != FRAME_FLAT && frame->kind != FRAME_FLAT_IF &&
                               frame->kind != FRAME_FLAT_TRY)) {
                        reader_unexpected(&m->r);
                        break;
                }
                reader_next(&m->r);
                check_label(m);
                put_opcode(&m->code, OP_END);
                label_pop(m);
                m->nframes--;
                break;
        default:
                reader_next(&m->r);
                read_instruction(m, word, at, &m->code);
                break;
        }
}

void read_instructions(struct module_text *m, bool one)
{
        m->code.size = m->pending.size = 0;
        origins_begin(m);
        m->nframes = m->nlabels = 0;
        while (!m->r.failed) {
                struct frame *frame = m->nframes ? &m->frames[m->nframes - 1] : NULL;

                if (reader_is(&m->r, TOKEN_OPEN)) {
                        if (frame && read_if_part(m, frame))
                                continue;
                        if (frame && !takes_folded[frame->kind]) {
                                reader_next(&m->r);
                                reader_unexpected(&m->r);
                        } else {
                                read_folded(m);
                        }
                } else if (reader_is(&m->r, TOKEN_CLOSE) && !frame && !one) {
                        break;
                } else if (reader_is(&m->r, TOKEN_CLOSE) && frame) {
                        close_group(m);
                        if (one && !m->nframes)
                                break;
                } else if (reader_is(&m->r, TOKEN_WORD) && !(one && !frame)) {
                        read_flat(m);
                } else {
                        reader_unexpected(&m->r);
                }
        }
}

void read_expression(struct module_text *m, bool one, struct buffer *out)
{
        read_instructions(m, one);
        origin_note(m, &m->code, m->r.token.at); /* its end */
        origins_land(m, out);
        buffer_append(out, m->code.bytes, m->code.size);
        out->failed = out->failed || m->code.failed || m->pending.failed;
        put_opcode(out, OP_END);
}
