/* hello.c - the smallest guest: says what it was given, which is nothing unless the caller gives it.
 *
 *     nacelle run --env NAME=World hello.wasm one two
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
        const char *name = getenv("NAME");

        printf("Hello, %s, from inside a cell.\n", name ? name : "whoever you are");
        for (int i = 1; i < argc; i++)
                printf("argument %d: %s\n", i, argv[i]);
        return 0;
}
