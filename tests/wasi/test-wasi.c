/* test-wasi.c - the shim, function by function, over the real ring and real files. */
#include "tests/unit/unit.h"
#include "tests/wasi/double.h"

int main(void)
{
        TCase *cases[] = {
                guest_case(),      path_case(),   state_case(),      descriptors_case(),
                files_case(),      files_alone_case(), streams_case(), attributes_case(), names_case(),
                directories_case(), clocks_case(), coarse_case(),     polls_case(),
                coarse_polls_case(), sockets_case(), hostile_case(), large_case(),
        };

        return unit_main("wasi", cases, ELEMENTSOF(cases));
}
