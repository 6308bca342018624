/* poolformer.h: the C interface of poolformer.cpp (C99).
 * SPDX-License-Identifier: Apache-2.0
 *
 *     pf_model* model = NULL;
 *     pf_session* session = NULL;
 *     if (pf_model_load("models/poolformer_c10", NULL, &model) != PF_OK ||
 *         pf_session_create(model, NULL, &session) != PF_OK ||
 *         pf_session_run(session, input, 1, logits) != PF_OK) {
 *         puts(pf_last_error());
 *     }
 *     pf_session_destroy(session);
 *     pf_model_destroy(model);
 *
 * A model is immutable: any number of sessions and threads share it. A session belongs to one
 * caller at a time. A session keeps its model alive, so they may be destroyed in any order.
 * What can fail returns a status; pf_last_error() then says why in words. A function that makes a
 * model, a team or a session sets the handle to NULL when it fails. Nothing here prints, exits,
 * throws, opens a socket, or starts a thread that was not asked for. Options and what they point
 * to, but for an allocator's functions, are needed during the call only. Sizes are in bytes where
 * the name says so; a `num_*` of outputs counts floats.
 *
 * Structs begin with struct_size, which the caller sets to sizeof of the struct and all else to 0
 * or what it wants: `pf_run run = {.struct_size = sizeof run};` in C, and in C++17 `pf_run run{};
 * run.struct_size = sizeof run;`. A size of 0 is PF_INVALID_ARGUMENT. A program compiled against an
 * older header keeps running: what its structs lack is taken as 0. One that wants something of a
 * newer header that this library does not know yet is told PF_UNSUPPORTED.
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
    PF_FILE_ERROR = 2,       /* a file cannot be opened, read or written */
    PF_INVALID_MODEL = 3,    /* model.json, model.safetensors or a compiled file breaks a rule */
    PF_UNSUPPORTED = 4,      /* valid, but this build or this CPU cannot run it */
    PF_OUT_OF_MEMORY = 5,    /* or the system starts no more threads */
    PF_BUSY = 6,             /* the session is running already, in another thread */
    PF_INTERNAL = 7,         /* a mistake of ours: please report it */
    PF_CANCELLED = 8,        /* pf_session_cancel was called during the run */
    PF_DEADLINE_EXCEEDED = 9 /* the run took longer than its timeout */
} pf_status;

/* The version of this header, and, such as "0.1.0", of the library. */
#define PF_VERSION_MAJOR 0
#define PF_VERSION_MINOR 1
#define PF_VERSION_PATCH 0
PF_API const char* pf_version(void);

/* What the last failed call of this thread said; never NULL, "" before any failure. Valid until
 * this thread's next failing call. */
PF_API const char* pf_last_error(void);

/* What a service may want in its log, such as what was loaded, for which instruction set; warnings
 * tell of what works but slowly, such as more threads than CPUs. Called while a model is loaded or
 * a session made, in the caller's thread, never during a run. `message` is valid during the call.
 * Must not throw. */
typedef enum pf_log_level { PF_LOG_INFO = 0, PF_LOG_WARNING = 1 } pf_log_level;
typedef void (*pf_log_function)(void* user, pf_log_level level, const char* message);

/* Where the large blocks come from, packed weights and arenas, instead of mmap. `allocate` returns
 * `bytes` bytes aligned to `alignment` (a power of two, at most 4096), or NULL. Called while a
 * model is loaded or a session made, `deallocate` by whichever thread destroys the session, or the
 * model and the last of its sessions; never during a run. Both functions and `user` are needed
 * until then, may be called from several threads and must not throw. A compiled file that is mapped
 * asks for nothing. */
typedef struct pf_allocator {
    void* (*allocate)(void* user, size_t bytes, size_t alignment);
    void (*deallocate)(void* user, void* memory, size_t bytes);
    void* user;
} pf_allocator;

/* How many threads can really run at the same time: the CPUs that cpusets and the calling thread's
 * affinity allow, or the cgroup's quota (version 1 or 2), rounded up, if that is less. At least 1.
 * Ask before pinning that thread, and once, since it reads files; nothing here uses more threads or
 * fewer because of it. */
PF_API size_t pf_cpu_budget(void);

/* ---- model ---------------------------------------------------------------------------------- */

typedef struct pf_model_options {
    size_t struct_size; /* sizeof(pf_model_options) */
    /* "sse4_1", "avx2", "avx512"; NULL: $PF_ISA if set, else the CPU's best, or of a compiled file
     * its own: any other is PF_UNSUPPORTED. */
    const char* isa;
    pf_log_function log;           /* NULL: nothing is logged */
    void* log_user;                /* handed to log */
    const pf_allocator* allocator; /* for the packed weights; copied; NULL: mmap */
    /* Compiled files only. 0: the file is mapped, read-only, and its pages are shared by all
     * processes that use it. Else it is copied into memory of this process, in huge pages if there
     * are any. */
    int copy_weights;
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
    size_t num_features; /* length of the vector that the classifier's linear reads */
    size_t num_stages;
} pf_model_info;

/* Reads, checks and compiles the model in a folder (model.json, model.safetensors), or maps a file
 * that pf_model_save_compiled wrote. options may be NULL. */
PF_API pf_status pf_model_load(const char* path, const pf_model_options* options, pf_model** model);

/* The same from the bytes of model.json and model.safetensors, which are needed no longer
 * afterwards. */
PF_API pf_status pf_model_load_memory(const void* json, size_t json_bytes, const void* safetensors,
                                      size_t safetensors_bytes, const pf_model_options* options,
                                      pf_model** model);

/* The same from the bytes of a compiled file. They are used where they are (copy_weights: copied):
 * must be aligned to 64 bytes, stay unchanged, and outlive the model and its sessions. */
PF_API pf_status pf_model_load_compiled_memory(const void* data, size_t bytes,
                                               const pf_model_options* options, pf_model** model);

/* Writes the model, packed for its instruction set, as one file that loads in milliseconds. A file
 * of that name is replaced when the new one is complete, or not at all. All may read it (0644). */
PF_API pf_status pf_model_save_compiled(const pf_model* model, const char* file);

PF_API void pf_model_destroy(pf_model* model); /* NULL is fine */
PF_API pf_status pf_model_get_info(const pf_model* model, pf_model_info* info);
/* The label of a class; NULL if the model has no labels or the index is out of range. */
PF_API const char* pf_model_label(const pf_model* model, size_t class_index);

/* Turns a photo into the model's input: resizes the shorter side as PIL's antialiased bicubic
 * does, crops the centre, and normalises. rgb: 8-bit R,G,B, height rows of row_stride bytes.
 * output: 3 planes (R, G, B) of the description's input_height x input_width floats, owned by the
 * caller; must not overlap rgb. At most 65535 pixels a side and 2^28 in all. Any thread; allocates,
 * so it may be PF_OUT_OF_MEMORY. */
PF_API pf_status pf_preprocess(const pf_model* model, const uint8_t* rgb, size_t height,
                               size_t width, size_t row_stride, float* output);

/* ---- team ----------------------------------------------------------------------------------- */

typedef struct pf_team_options {
    size_t struct_size; /* sizeof(pf_team_options) */
    size_t num_threads; /* the caller of a run is one; 0 or 1: no threads at all; at most 1024 */
    uint32_t spin_us;   /* how long an idle worker spins before it sleeps; up to 2000 also who waits
                           for the others in a run: from 2000 on, runs of a team on cores of its own
                           make no system call while its workers are awake. Teams of more threads
                           than CPUs (their creator may use, or `cpus` has) never spin */
    /* Worker i may only run on cpus[i % num_cpus], i from 1 on. cpus[0] is meant for the caller,
     * whose affinity is its own affair. NULL: wherever the system puts them, except that one which
     * finds itself on the caller's CPU moves to another that it may use (sched_setaffinity). */
    const int* cpus;
    size_t num_cpus;
} pf_team_options;

/* Starts a team of threads for any number of sessions to share. A run that finds the team busy
 * with another session's does not wait: its caller works alone, with the same bits. options may be
 * NULL. Sessions keep their team alive, so they may be destroyed in any order. Its threads block
 * signals, all but those of a fault of their own, such as SIGSEGV.
 *
 * After fork() a child has no workers: its runs work alone, from then on, and everything may be
 * destroyed there. Do not fork while a session that the child will use is running, nor, if the
 * child makes sessions, while another thread makes one: it may hold locks of oneDNN. */
PF_API pf_status pf_team_create(const pf_team_options* options, pf_team** team);
PF_API void pf_team_destroy(pf_team* team); /* NULL is fine */

/* ---- session -------------------------------------------------------------------------------- */

typedef enum pf_input_format {
    PF_INPUT_NCHW_F32 = 0, /* [batch, 3, height, width] floats, normalised; used where they are */
    PF_INPUT_NHWC_F32 = 1, /* [batch, height, width, 3] floats, normalised */
    PF_INPUT_NHWC_U8 = 2   /* [batch, height, width, 3] bytes R, G, B; normalised inside */
} pf_input_format;

typedef struct pf_session_options {
    size_t struct_size;  /* sizeof(pf_session_options) */
    size_t input_height; /* pixels, at most 16384; 0: the description's */
    size_t input_width;  /* likewise */
    size_t num_threads;  /* the caller is one of them; 0 or 1: the caller alone; at most 1024 */
    uint32_t spin_us;    /* how long an idle worker spins before it sleeps */
    const pf_team* team; /* a team to share, instead of num_threads and spin_us; NULL: its own */
    /* The batch to plan for; 0: 1. With at least as many images as threads, each thread runs whole
     * images, in memory of its own: quicker than sharing each image. Any other batch runs too. */
    size_t batch;
    pf_input_format input_format;
    const int* cpus; /* as in pf_team_options, for a team of its own */
    size_t num_cpus;
    pf_log_function log;
    void* log_user;
    const pf_allocator* allocator; /* for the arena; copied; NULL: mmap */
    uint64_t timeout_us;           /* of every run that sets none itself; 0: none */
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
PF_API void pf_session_destroy(pf_session* session); /* NULL is fine; not during a run */
PF_API pf_status pf_session_get_info(const pf_session* session, pf_session_info* info);
/* Block `tap`, counted from 0, and stage `stage`: name and shape of their outputs. */
PF_API pf_status pf_session_tap_info(const pf_session* session, size_t tap, pf_tap_info* info);
PF_API pf_status pf_session_stage_info(const pf_session* session, size_t stage, pf_tap_info* info);

/* ---- run ------------------------------------------------------------------------------------ */

/* During a run of a session other threads may ask for its info, cancel it, and use its model and
 * team. A second run of it is PF_BUSY. */

/* Runs `batch` images of floats, in the session's input_format; a session for bytes refuses.
 * input: batch images, dense; logits: [batch, num_classes]. Both are the caller's and may be
 * unaligned, but must not overlap. Allocates nothing itself, but for the words about an argument
 * that it refuses. NaN and infinity in an image propagate to its own logits. The result is the
 * same, bit for bit, for any number of threads, batch size and batch position. */
PF_API pf_status pf_session_run(pf_session* session, const float* input, size_t batch,
                                float* logits);

/* pf_session_run for one image, of floats too, that also copies out block outputs: taps[i], if not
 * NULL, receives the dense [channels, height, width] output of block i, and overlaps nothing else.
 * num_taps must be the session's. Changes no bit of any result. */
PF_API pf_status pf_session_run_tapped(pf_session* session, const float* input, float* logits,
                                       float* const* taps, size_t num_taps);

/* One run, with whatever is wanted of it: outputs that are NULL are not written. Sizes must be
 * exactly what batch, session and model make them; buffers may be unaligned and must not overlap
 * each other. */
typedef struct pf_run {
    size_t struct_size; /* sizeof(pf_run) */
    size_t batch;       /* images; 0: 1 */
    const void* input;  /* in the session's input_format */
    size_t input_bytes;
    float* logits; /* [batch, num_classes] */
    size_t num_logits;
    float* probabilities; /* [batch, num_classes]: softmax of the logits */
    size_t num_probabilities;
    /* [batch, num_features]: what the classifier's linear reads, after pooling and the head's norm
     * with its weight and bias (timm: pre_logits) */
    float* features;
    size_t num_features;
    /* One a stage, NULL or the dense [batch, channels, height, width] output of its last block,
     * before any norm (pf_session_stage_info); or NULL altogether. */
    float* const* stage_maps;
    size_t num_stages;
    /* The run gives up between two steps once so much time has passed; 0: as the session's options
     * have it. It overruns by at most one step (S12's largest has an eleventh of the work), and by
     * what time the system takes away from the thread. */
    uint64_t timeout_us;
    /* How many floats stage_maps[i] has room for, num_stages numbers; NULL: as many as it takes. */
    const size_t* stage_map_floats;
} pf_run;

/* After PF_CANCELLED or PF_DEADLINE_EXCEEDED the outputs hold nothing of use; the session does. */
PF_API pf_status pf_session_run_with(pf_session* session, const pf_run* run);

/* Ends the run that is going on in another thread, between two of its steps; without one, does
 * nothing, also to a run that starts later. Any thread may call it, and signal handlers too. NULL
 * is fine. */
PF_API void pf_session_cancel(pf_session* session);

#ifdef __cplusplus
}
#endif

#endif /* POOLFORMER_H */
