/* forge.h - artefacts whose code is written by hand: a module as text, the code of its functions as
 * bytes. For tests that must not depend on a code generator.
 *
 * forge - @wat's module with @n functions; function k has code[k], those without have a trap
 *   UNREACHABLE. The caller frees with forge_done(). Aborts the test on any error. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "engine/artefact/artefact.h"

struct forged_code {
        uint8_t bytes[64];
        uint32_t size;
        uint8_t map[16]; /* compile.h */
        uint32_t map_size;
};

struct forged {
        struct buffer wasm, file;
        struct module *module;
        struct checked_module *checked;
        struct compiled_module compiled;
        struct artefact_key key;
};

void forge(struct forged *f, const char *wat, const struct forged_code *code, uint32_t n);
void forge_done(struct forged *f);

/* The same for code that somebody compiled: @compiled becomes @f's. */
void forge_module(struct forged *f, const char *wat);
void forge_file(struct forged *f);

/* Abort unless @condition holds: usable in programs that are no unit tests too. */
#define HOLD(condition, text)                                                          \
        do {                                                                           \
                if (!(condition)) {                                                    \
                        fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, text); \
                        abort();                                                       \
                }                                                                      \
        } while (0)

/* FORGED(bytes...) as a struct forged_code */
#define FORGED(...)                                                       \
        {                                                                 \
                .bytes = { __VA_ARGS__ },                                 \
                .size = sizeof((const uint8_t[]) { __VA_ARGS__ })         \
        }
