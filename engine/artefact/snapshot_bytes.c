/* snapshot_bytes.c - pieces of the binary format that a snapshot's module is written of. */
#include "engine/artefact/snapshot_parts.h"

void append_section(struct writer *w, uint8_t id, const struct buffer *body)
{
        buffer_u8(w->out, id);
        buffer_uleb(w->out, body->size);
        buffer_append(w->out, body->bytes, body->size);
        w->out->failed |= body->failed;
}

static void append_heap_type(struct buffer *b, uint32_t heap)
{
        if (heap < HEAP_FIRST_ABSTRACT)
                buffer_sleb(b, heap);
        else
                buffer_u8(b, (uint8_t)heap);
}

void append_valtype(struct buffer *b, valtype t)
{
        static const uint8_t bytes[] = { [VAL_I32] = 0x7f, [VAL_I64] = 0x7e, [VAL_F32] = 0x7d,
                                         [VAL_F64] = 0x7c, [VAL_V128] = 0x7b };

        if (!valtype_is_ref(t)) {
                buffer_u8(b, bytes[valtype_kind(t)]);
        } else if (t & VAL_NULLABLE && valtype_heap(t) >= HEAP_FIRST_ABSTRACT) {
                buffer_u8(b, (uint8_t)valtype_heap(t));
        } else {
                buffer_u8(b, t & VAL_NULLABLE ? 0x63 : 0x64);
                append_heap_type(b, valtype_heap(t));
        }
}

void append_ref(struct buffer *b, valtype t, uint64_t number)
{
        if (number) {
                buffer_u8(b, 0xd2); /* ref.func */
                buffer_uleb(b, number - 1);
        } else {
                buffer_u8(b, 0xd0); /* ref.null */
                append_heap_type(b, valtype_heap(t));
        }
}
