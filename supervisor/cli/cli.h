/* cli.h - what the subcommands share. Each is one file with one struct command; main.c has the table.
 *
 * cli_fail - print @err for people; returns the exit status that it means.
 * cli_open - open @path for reading: a regular file. STAGE_USAGE with -ENOENT, -EISDIR, ...
 * cli_write - @bytes become the file @path, whole or not at all. cli_write_fd - the same from @fd.
 * cli_progress - a broker's progress function: shows per cent on a terminal at stderr, else nothing;
 *   nothing either in the first 200 ms. @context is a struct progress.
 * cli_progress_done - wipes what was shown. */
#pragma once

#include "engine/base/buffer.h"
#include "supervisor/broker/broker.h"
#include "supervisor/cli/options.h"

extern const struct command run_command, compile_command, validate_command, inspect_command,
        posture_command, policy_command, explain_command, drill_command, diff_command, version_command, wast_command, wat_command,
        ps_command, status_command, logs_command, top_command, start_command, stop_command,
        restart_command, kill_command, reload_command, metrics_command;

int cli_fail(const struct error *err);
_must_check_ int cli_open(const char *path, int *ret_fd, struct error *err);
_must_check_ int cli_write(const char *path, const struct buffer *bytes, struct error *err);
_must_check_ int cli_write_fd(const char *path, int fd, struct error *err);

struct progress {
        const char *text;     /* "compiling app.wasm" */
        uint64_t start_ns;    /* 0 before the first call */
        unsigned shown;       /* per cent + 1 */
        bool terminal;
};

int cli_progress(void *context, uint64_t bytes_done, uint64_t bytes_all);
void cli_progress_done(struct progress *progress);

/* Set functions that several commands have in their tables; @target is the command's struct run_options
 * or starts with one. */
int cli_set_cpu(void *target, const char *value, struct error *err);
int cli_set_tier(void *target, const char *value, struct error *err);
int cli_set_features(void *target, const char *value, struct error *err);
int cli_set_deterministic(void *target, const char *value, struct error *err);
int cli_set_dense(void *target, const char *value, struct error *err);
int cli_set_jobs(void *target, const char *value, struct error *err);
int cli_set_cache(void *target, const char *value, struct error *err);
int cli_set_no_cache(void *target, const char *value, struct error *err);

#define CLI_OPTION_CPU \
        { "cpu", 0, "LEVEL", false, cli_set_cpu, \
          "machine to compile for: host (the default), x86-64-v2, x86-64-v3 or x86-64-v4" }
#define CLI_TIER_TEXT "fast (the default) compiles quickly; peak compiles for long, to code that runs faster"
#define CLI_OPTION_TIER \
        { "tier", 0, "TIER", false, cli_set_tier, CLI_TIER_TEXT }
#define CLI_OPTION_DENSE \
        { "dense", 0, NULL, false, cli_set_dense, \
          "code that checks every access, for guests with little memory that lie close to each other" }
#define CLI_OPTION_DETERMINISTIC \
        { "deterministic", 0, NULL, false, cli_set_deterministic, \
          "the same bits of NaNs on every processor; floating point is slower" }
#define CLI_OPTION_FEATURES \
        { "features", 0, "NAME,...", true, cli_set_features, \
          "proposals that modules may use as well, by name; no-NAME: may not use" }
#define CLI_OPTION_JOBS \
        { "jobs", 'j', "N", false, cli_set_jobs, "threads of the compiler (default: one a processor)" }
#define CLI_OPTION_CACHE \
        { "cache", 0, "DIR", false, cli_set_cache, \
          "where compiled modules are kept (default: ~/.cache/nacelle)" }
#define CLI_OPTION_NO_CACHE \
        { "no-cache", 0, NULL, false, cli_set_no_cache, "neither look into the cache nor fill it" }
