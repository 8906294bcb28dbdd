/* unzip-lib.c - the unpacker as a dependency: a nanoprocess of its own, which others import "unzip" from.
 *
 * Only numbers cross between nanoprocesses, so what it unpacks and where is its own business: what
 * [Import unzip] of the unit hands to it, at these two places. */
#define main unzip_main
#include "unzip.c"
#undef main

__attribute__((export_name("unzip"))) int unzip(void)
{
        char *argv[] = { "unzip", "/in/evil.zip", "/deep/er/out", NULL };

        return unzip_main(3, argv);
}
