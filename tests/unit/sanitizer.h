/* sanitizer.h - for programs that run guests: the sanitizers leave the signals of traps to us.
 * Include once in a program. */
#pragma once

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
        return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:"
               "allow_user_segv_handler=1:use_sigaltstack=0";
}

__attribute__((visibility("default"))) const char *__ubsan_default_options(void)
{
        return "print_stacktrace=1";
}
