/* lies.c - cells that leave a wall down and say that it is up (drills H05, H25): each is found by looking from
 * outside, named, and never gets a guest. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/stand_in.h"
#include "supervisor/broker/broker.h"

#define OFF(layer) LAYER_BIT(LAYER_##layer)
/* no_new_privs and what cannot be had without it: on an old kernel filters stand in for three of these. */
#define NO_FILTERS (OFF(NO_NEW_PRIVS) | OFF(LANDLOCK) | OFF(SECCOMP) | OFF(MDWE) | OFF(ARENA))

#define INHERITED "inherited" /* behind this row every broker has a filter */

static const struct {
        const char *id, *kind;
        uint32_t off;
        bool root;         /* shows only where the broker is root */
        const char *found; /* part of what the broker says */
} lies[] = {
        { "H25", "sham_descriptor",  OFF(DESCRIPTORS),                 false, "descriptors: 40 is open" },
        { "H24", "sham_directory",   OFF(DESCRIPTORS),                 false, "descriptors: 40 is open (/" },
        { "H05", "sham_ring",        OFF(DESCRIPTORS),                 false, "descriptors: 40 is open" },
        { "H05", "sham_ring",        OFF(DESCRIPTORS),                 false, "ring: 2 of them" },
        /* The thread of a ring ends with the process that made it: this one stays the one that it was. */
        { "H05", "sham_ring_thread", OFF(DESCRIPTORS) | OFF(NAMESPACES), true,  "capabilities: effective" },
        /* Linux 6.18 does not list personalities any more: a ring that has one is still a ring too many. */
        { "H05", "sham_personality", OFF(DESCRIPTORS),                 false, "ring: 2 of them" },
        { "H09", "sham_nothing",     OFF(SECCOMP),                     false, "seccomp: " },
        { "H16", "sham_nothing",     OFF(NAMESPACES),                  false, "it has our mounts" },
        { "H23", "sham_nothing",     OFF(CAPABILITIES),                true,  "capabilities: " },
        { "H23", "sham_nothing",     OFF(IDENTITY),                    true,  "identity: still root" },
        { "H01", "sham_nothing",     OFF(LANDLOCK),                    false, "got through its own landlock" },
        { "H11", "sham_nothing",     OFF(MDWE),                        false, "got through its own mdwe" },
        { "H02", "sham_nothing",     OFF(RING),                        false, "got through its own ring" },
        { "O18", "sham_version",     0,                                false, "the cell speaks protocol" },
        { "H11", "sham_writable_code", 0,                              false, "writable and executable" },
        { "H12", "sham_loose_code",  0,                                false, "memory: executable at" },
        { "H06", "sham_thread",      0,                                false, "threads: 2" },
        { "H21", "sham_claims",      NO_FILTERS, false, "no_new_privs: off" },
        { "H21", "sham_claims",      OFF(SECCOMP),                     false, "seccomp: " },
        { "H21", "sham_nothing",     NO_FILTERS, false, "got through its own mdwe, landlock" },
        /* The broker has a filter itself, as under a service manager or in a container: the cell's own is missed. */
        { "H09", INHERITED,          OFF(SECCOMP),                     false, " filters of " },
};

int main(void)
{
        unsigned passed = 0, failed = 0, skipped = 0;

        broker_programs(BUILD_DIR);
        for (size_t i = 0; i < ELEMENTSOF(lies); i++) {
                _cleanup_(broker_stopp) struct broker *b = NULL;
                char argument[96];
                struct run_options o = {
                        .closed_stdio = true, .no_cache = true,
                        .cell_program = BUILD_DIR "/nacelle-drill-cell", .cell_argument = argument,
                };
                struct error err = { 0 };
                bool inherited = strcmp(lies[i].kind, INHERITED) == 0;
                int r;

                if (lies[i].root && geteuid() != 0) {
                        skipped++;
                        printf("skip %s: only root has it\n", lies[i].found);
                        continue;
                }
                if (inherited && policy_stand_in(GAP_BIT(TRUNCATE), NULL, 0, &err) != 0)
                        return 99;
                snprintf(argument, sizeof(argument), "%s:%x", inherited ? "sham_nothing" : lies[i].kind, lies[i].off);
                r = broker_start(&o, 4096, &b, &err);
                if (r < 0 && (err.stage == STAGE_POLICY || err.stage == STAGE_PROTOCOL) &&
                    strstr(err.text, lies[i].found)) {
                        passed++;
                        printf("pass %s %s: %s\n", lies[i].id, lies[i].kind, err.text);
                } else {
                        failed++;
                        printf("FAIL %s %s: %s, instead of: %s\n", lies[i].id, lies[i].kind,
                               r < 0 ? err.text : "it was believed", lies[i].found);
                }
        }
        printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
