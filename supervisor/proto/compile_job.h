/* compile_job.h - what the broker and a compiler say to each other, over a SOCK_SEQPACKET pair.
 *
 * The broker sends one order; the module is on FD_ARENA, sealed, and the artefact is written to
 * FD_OUTPUT. The compiler sends any number of PROGRESS, then one DONE or FAILED, and exits. */
#pragma once

#include <stdint.h>

#define COMPILE_HOT_MAX 256u

#define COMPILE_JOB_MAGIC UINT32_C(0x6e436a31)

enum { COMPILE_MODE_ARTEFACT, COMPILE_MODE_CHECK };

#define COMPILE_NAME_MAX 256u

struct compile_order {
        uint32_t magic;
        uint32_t mode;
        uint32_t tier;
        uint32_t jobs;
        uint32_t degraded;   /* go on although a layer is missing */
        uint32_t dense;      /* 0 or 1: code that checks every access itself */
        uint32_t deterministic; /* 0 or 1: NaNs are canonical */
        uint32_t machine;    /* 0: this one; else as ELF names it */
        uint32_t reserved;
        uint32_t nhot;       /* TIER_MIXED: functions to optimise */
        uint64_t cpu;
        uint64_t features_changed; /* set of 1 << FEATURE_...: those that are not as by default */
        uint64_t input_bytes;
        /* The state that the module is to begin with (artefact/snapshot.h), in the same file; 0 bytes: none. */
        uint64_t snapshot_at, snapshot_bytes;
        char done[COMPILE_NAME_MAX]; /* the export that was called for it, terminated */
        uint8_t key[32];
        uint32_t hot[COMPILE_HOT_MAX]; /* indices in the module, ascending */
};

enum { COMPILE_PROGRESS = 1, COMPILE_DONE, COMPILE_FAILED };

struct compile_status {
        uint32_t kind;
        int32_t code;        /* FAILED: as struct error */
        uint32_t stage;
        uint32_t reserved;
        uint64_t offset;     /* FAILED: in the module; PROGRESS: bytes done; DONE: artefact's size */
        uint64_t bytes_all;  /* PROGRESS */
        char text[256];
};
