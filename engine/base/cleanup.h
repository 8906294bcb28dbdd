/* cleanup.h - ownership that is visible in the declaration.
 *
 * _cleanup_(f) runs f(&variable) when the variable leaves its scope. TAKE_PTR() and TAKE_FD() hand
 * the value on and leave "nothing" behind, so that the clean-up finds nothing to do. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)    __attribute__((cleanup(f)))
#define _must_check_    __attribute__((warn_unused_result))
#define _printf_(a, b)  __attribute__((format(printf, a, b)))
#define _noreturn_      __attribute__((noreturn))
#define _hidden_        __attribute__((visibility("hidden")))
#define _likely_(x)     __builtin_expect(!!(x), 1)
#define _unlikely_(x)   __builtin_expect(!!(x), 0)

#define ELEMENTSOF(a)   (sizeof(a) / sizeof((a)[0]))

#define TAKE_PTR(p)                     \
        ({                              \
                __typeof__(p) *_p = &(p); \
                __typeof__(p) _v = *_p;   \
                *_p = NULL;             \
                _v;                     \
        })

#define TAKE_FD(fd)                     \
        ({                              \
                int *_p = &(fd);        \
                int _v = *_p;           \
                *_p = -EBADF;           \
                _v;                     \
        })

static inline void freep(void *p)
{
        free(*(void **)p);
}

/* -EBADF (any negative number) stands for "no descriptor". */
static inline void closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
