/* wat2wasm - text format to binary: wat2wasm IN OUT ("-" stands for the standard streams). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/text/text.h"
#include "tests/spec/file.h"

int main(int argc, char **argv)
{
        _cleanup_(buffer_done) struct buffer text = { 0 }, binary = { 0 };
        struct error err = { 0 };

        if (argc != 3) {
                fprintf(stderr, "usage: %s IN.wat OUT.wasm\n", argv[0]);
                return 2;
        }
        if (file_read(argv[1], &text, &err) < 0) {
                error_print(stderr, argv[0], &err);
                return 1;
        }
        if (text_module_to_binary((const char *)text.bytes, text.size, &binary, &err) < 0) {
                error_print(stderr, argv[1], &err);
                text_caret(stderr, (const char *)text.bytes, text.size, err.offset);
                return 1;
        }
        if (file_write(argv[2], binary.bytes, binary.size, &err) < 0) {
                error_print(stderr, argv[0], &err);
                return 1;
        }
        return 0;
}
