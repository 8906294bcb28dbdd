/* hosts.h - where test scripts run.
 *
 * host_check - only decodes and validates. Needs no context.
 * host_process - everything, in this process. Its context is made anew for each script:
 *   host_process_new() and host_process_free(). */
#pragma once

#include "engine/text/script_run.h"

extern const struct script_host host_check;
