/* poolformer.h as it was first: programs built against it must keep running.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     pf_model* model;
 *     pf_session* session;
 *     if (pf_model_load("models/poolformer_c10", NULL, &model) != PF_OK) puts(pf_last_error());
 *     if (pf_session_create(model, NULL, &session) != PF_OK) puts(pf_last_error());
 *     pf_session_run(session, input, 1, logits);
 *
 * A model is immutable: any number of sessions and threads share it. A session belongs to one
 * caller at a time. A session keeps its model alive, so they may be destroyed in any order.
 * Every function returns a status; pf_last_error() then says why in words. Nothing here prints,
 * exits, throws, opens a socket, or starts a thread that was not asked for.
 */
#ifndef POOLFORMER_H
#define POOLFORMER_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define PF_API
#else
#define PF_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pf_model pf_model;
typedef struct pf_team pf_team;
typedef struct pf_session pf_session;

typedef enum pf_status {
    PF_OK = 0,
    PF_INVALID_ARGUMENT = 1, /* the caller passed something impossible */
    PF_FILE_ERROR = 2,       /* a file cannot be opened or read */
    PF_INVALID_MODEL = 3,    /* model.json or model.safetensors breaks a rule */
    PF_UNSUPPORTED = 4,      /* valid, but this build or this CPU cannot run it */
    PF_OUT_OF_MEMORY = 5,
    PF_BUSY = 6,    /* the session is running already, in another thread */
    PF_INTERNAL = 7 /* a mistake of ours: please report it */
} pf_status;

/* The library's version, such as "0.1.0". */
PF_API const char* pf_version(void);

/* What the last failed call of this thread said; never NULL, "" before any failure. Valid until
 * this thread's next failing call. */
PF_API const char* pf_last_error(void);

/* ---- model ---------------------------------------------------------------------------------- */

typedef struct pf_model_options {
    size_t struct_size; /* sizeof(pf_model_options) */
    const char* isa;    /* "sse4_1", "avx2", "avx512"; NULL: $PF_ISA if set, else the CPU's best */
} pf_model_options;

typedef struct pf_model_info {
    size_t struct_size; /* in: sizeof(pf_model_info) */
    const char* name;   /* valid as long as the model */
    const char* isa;
    size_t num_classes;
    size_t num_labels; /* num_classes or 0 */
    size_t num_parameters;
    size_t input_height; /* pixels, the description's size */
    size_t input_width;
    size_t weight_bytes; /* packed weights in memory */
} pf_model_info;

/* Reads, checks and compiles the model in `folder`. options may be NULL. */
PF_API pf_status pf_model_load(const char* folder, const pf_model_options* options,
                               pf_model** model);
PF_API void pf_model_destroy(pf_model* model); /* NULL is fine */
PF_API pf_status pf_model_get_info(const pf_model* model, pf_model_info* info);
/* The label of a class; NULL if the model has no labels or the index is out of range. */
PF_API const char* pf_model_label(const pf_model* model, size_t class_index);

/* Turns a photo into the model's input: resizes the shorter side as PIL's antialiased bicubic does,
 * crops the centre, and normalises. rgb: 8-bit R,G,B, height rows of row_stride bytes. output: 3
 * planes (R, G, B) of the description's input_height x input_width floats, owned by the caller. */
PF_API pf_status pf_preprocess(const pf_model* model, const uint8_t* rgb, size_t height,
                               size_t width, size_t row_stride, float* output);

/* ---- team ----------------------------------------------------------------------------------- */

typedef struct pf_team_options {
    size_t struct_size; /* sizeof(pf_team_options) */
    size_t num_threads; /* the caller of a run is one of them; 0 or 1: no threads at all */
    uint32_t spin_us;   /* how long an idle worker spins before it sleeps */
} pf_team_options;

/* Starts a team of threads for any number of sessions to share. A run that finds the team busy
 * with another session's does not wait: its caller works alone, with the same bits. options may be
 * NULL. Sessions keep their team alive, so they may be destroyed in any order.
 *
 * After fork() a child has no workers: its runs work alone, from then on, and everything may be
 * destroyed there. Do not fork while a session that the child will use is running. */
PF_API pf_status pf_team_create(const pf_team_options* options, pf_team** team);
PF_API void pf_team_destroy(pf_team* team); /* NULL is fine */

/* ---- session -------------------------------------------------------------------------------- */

typedef struct pf_session_options {
    size_t struct_size;  /* sizeof(pf_session_options) */
    size_t input_height; /* pixels; 0: the description's */
    size_t input_width;  /* pixels; 0: the description's */
    size_t num_threads;  /* the caller is one of them; 0 or 1: the caller alone */
    uint32_t spin_us;    /* how long an idle worker spins before it sleeps */
    const pf_team* team; /* a team to share, instead of num_threads and spin_us; NULL: its own */
    /* The batch to plan for; 0: 1. With at least as many images as threads, each thread runs whole
     * images, in memory of its own: quicker than sharing each image. Any other batch runs too. */
    size_t batch;
} pf_session_options;

typedef struct pf_session_info {
    size_t struct_size; /* in: sizeof(pf_session_info) */
    size_t input_height;
    size_t input_width;
    size_t num_threads;
    size_t num_taps;    /* blocks of the network */
    size_t arena_bytes; /* activations and scratch, of all images at once */
    uint64_t macs;      /* multiply-accumulates of convolutions and linears, per image */
} pf_session_info;

typedef struct pf_tap_info {
    size_t struct_size; /* in: sizeof(pf_tap_info) */
    const char* name;   /* such as "s0.b1"; valid as long as the session */
    size_t channels;
    size_t height;
    size_t width;
} pf_tap_info;

/* Plans runs of `model` for one input size and one team of threads. options may be NULL. */
PF_API pf_status pf_session_create(const pf_model* model, const pf_session_options* options,
                                   pf_session** session);
PF_API void pf_session_destroy(pf_session* session); /* NULL is fine */
PF_API pf_status pf_session_get_info(const pf_session* session, pf_session_info* info);
PF_API pf_status pf_session_tap_info(const pf_session* session, size_t tap, pf_tap_info* info);

/* Runs `batch` images. input: dense [batch, 3, input_height, input_width], already normalised;
 * logits: dense [batch, num_classes]. Both are the caller's and may be unaligned, but must not
 * overlap. Allocates nothing itself. NaN and infinity in an image propagate to its own logits. The
 * result is the same, bit for bit, for any number of threads, batch size and batch position. */
PF_API pf_status pf_session_run(pf_session* session, const float* input, size_t batch,
                                float* logits);

/* pf_session_run for one image that also copies out block outputs: taps[i], if not NULL, receives
 * the dense [channels, height, width] output of block i. num_taps must be the session's. Changes no
 * bit of any result. */
PF_API pf_status pf_session_run_tapped(pf_session* session, const float* input, float* logits,
                                       float* const* taps, size_t num_taps);

#ifdef __cplusplus
}
#endif

#endif /* POOLFORMER_H */
