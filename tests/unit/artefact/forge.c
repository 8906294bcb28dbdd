#include "tests/unit/artefact/forge.h"

#include <string.h>

#include "engine/decode/decode.h"
#include "engine/text/text.h"

static void code_append(struct buffer *b, const struct forged_code *c)
{
        static const struct forged_code unreachable = {
                .bytes = { 0x55, 0x48, 0x89, 0xe5, 0x67, 0x0f, 0xb9, 0x40, TRAP_UNREACHABLE },
                .size = 9,
        };

        if (!c || !c->size)
                c = &unreachable;
        buffer_append(b, c->bytes, c->size);
        while (b->size % 16)
                buffer_u8(b, 0xcc);
}

void forge_module(struct forged *f, const char *wat)
{
        struct error err = { 0 };

        memset(f, 0, sizeof(*f));
        HOLD(text_module_to_binary(wat, strlen(wat), &f->wasm, &err) == 0, err.text);
        HOLD(module_decode(f->wasm.bytes, f->wasm.size, &limits_default, UINT64_MAX, 0, &f->module,
                           &err) == 0, err.text);
        HOLD(module_validate(f->module, &limits_default, UINT64_MAX, 1, &f->checked, &err) == 0,
             err.text);
        artefact_key_compute(f->wasm.bytes, f->wasm.size, TIER_FAST, CPU_X86_V2, &f->key);
}

void forge_file(struct forged *f)
{
        struct error err = { 0 };

        HOLD(artefact_write(f->checked, &f->compiled, &f->key, &f->file, &err) == 0, err.text);
}

void forge(struct forged *f, const char *wat, const struct forged_code *code, uint32_t n)
{
        struct compiled_module *c = &f->compiled;
        struct buffer bytes = { 0 };

        forge_module(f, wat);
        c->machine = MACHINE_X86_64;
        c->cpu_used = CPU_X86_V2;
        HOLD(layout_compute(f->module, &c->layout, NULL) == 0, wat);
        c->nfunctions = f->module->nfunctions - f->module->imported_functions;
        HOLD(n <= c->nfunctions, wat);
        c->offsets = calloc(c->nfunctions + 1, sizeof(*c->offsets));
        c->map_offsets = calloc(c->nfunctions + 1, sizeof(*c->map_offsets));
        for (uint32_t k = 0; k < c->nfunctions; k++) {
                code_append(&bytes, k < n ? &code[k] : NULL);
                if (k < n)
                        buffer_append(&c->maps, code[k].map, code[k].map_size);
                c->offsets[k + 1] = (uint32_t)bytes.size;
                c->map_offsets[k + 1] = (uint32_t)c->maps.size;
        }
        c->code = buffer_steal(&bytes, &c->code_bytes);
        forge_file(f);
}

void forge_done(struct forged *f)
{
        free(f->compiled.code);
        free(f->compiled.offsets);
        free(f->compiled.map_offsets);
        buffer_done(&f->compiled.maps);
        buffer_done(&f->file);
        checked_module_free(f->checked);
        module_free(f->module);
        buffer_done(&f->wasm);
}
