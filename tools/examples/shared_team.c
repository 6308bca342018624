/* Example: several models and input sizes, each called from a thread of its own, with one team of
 * threads for all. Two threads a session would be many more threads than cores.
 * SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <poolformer/poolformer.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kRuns = 100, kMostModels = 8, kSizes = 2, kTeamThreads = 2 };

/* One caller: its own session, input and outputs. */
typedef struct {
    pthread_t thread;
    pf_session* session;
    float* input;
    float* logits;
    float* first_logits;
    size_t num_logits;
    size_t num_different; /* runs whose logits were not the first one's, bit for bit */
    char error[256];      /* pf_last_error belongs to the thread that failed: copied there */
} Caller;

static int fail(const char* what) {
    fprintf(stderr, "shared_team: %s\n", what);
    return 1;
}

static void* call(void* argument) {
    Caller* caller = argument;
    const size_t bytes = caller->num_logits * sizeof *caller->logits;
    for (int i = 0; i < kRuns && caller->error[0] == '\0'; ++i) {
        /* The team helps if it is free. If another session has it, this thread works alone. */
        if (pf_session_run(caller->session, caller->input, 1, caller->logits) != PF_OK) {
            snprintf(caller->error, sizeof caller->error, "%s", pf_last_error());
        }
        if (i == 0) memcpy(caller->first_logits, caller->logits, bytes);
        if (memcmp(caller->first_logits, caller->logits, bytes) != 0) ++caller->num_different;
    }
    return NULL;
}

/* A session of `model` for images `scale` times as high and wide as the model's own. */
static int make_caller(const pf_model* model, size_t scale, const pf_team* team, Caller* caller) {
    pf_model_info info = {.struct_size = sizeof info};
    pf_session_options options = {.struct_size = sizeof options};
    if (pf_model_get_info(model, &info) != PF_OK) return fail(pf_last_error());
    options.input_height = scale * info.input_height;
    options.input_width = scale * info.input_width;
    options.team = team;
    if (pf_session_create(model, &options, &caller->session) != PF_OK) {
        return fail(pf_last_error());
    }
    const size_t num_values = 3 * options.input_height * options.input_width;
    caller->num_logits = info.num_classes;
    caller->input = calloc(num_values, sizeof *caller->input);
    caller->logits = calloc(info.num_classes, sizeof *caller->logits);
    caller->first_logits = calloc(info.num_classes, sizeof *caller->logits);
    if (!caller->input || !caller->logits || !caller->first_logits) return fail("out of memory");
    for (size_t i = 0; i < num_values; ++i) {
        caller->input[i] = 2 * (float)(i % options.input_width) / (float)options.input_width - 1;
    }
    printf("%s at %zux%zu\n", info.name, options.input_height, options.input_width);
    return 0;
}

static int make_callers(char** folders, size_t num_models, Caller* callers) {
    pf_team* team = NULL;
    pf_team_options options = {.struct_size = sizeof options};
    int result = 0;
    options.num_threads = kTeamThreads;
    options.spin_us = 100;
    if (pf_team_create(&options, &team) != PF_OK) return fail(pf_last_error());
    for (size_t i = 0; i < num_models && result == 0; ++i) {
        pf_model* model = NULL;
        if (pf_model_load(folders[i], NULL, &model) != PF_OK) {
            result = fail(pf_last_error());
            break;
        }
        for (size_t size = 0; size < kSizes && result == 0; ++size) {
            result = make_caller(model, size + 1, team, &callers[kSizes * i + size]);
        }
        pf_model_destroy(model); /* its sessions keep it alive, and the team, too */
    }
    pf_team_destroy(team);
    return result;
}

static int run_callers(Caller* callers, size_t num_callers) {
    size_t num_started = 0, num_different = 0;
    int result = 0;
    for (; num_started < num_callers && result == 0; ++num_started) {
        if (pthread_create(&callers[num_started].thread, NULL, call, &callers[num_started]) != 0) {
            result = fail("pthread_create failed");
            break;
        }
    }
    for (size_t i = 0; i < num_started; ++i) {
        pthread_join(callers[i].thread, NULL);
        if (callers[i].error[0] != '\0') result = fail(callers[i].error);
        num_different += callers[i].num_different;
    }
    if (result != 0) return result;
    printf("%zu threads, %d runs each, one team of %d: %s\n", num_callers, (int)kRuns,
           (int)kTeamThreads, num_different == 0 ? "always the same bits" : "different bits");
    return num_different == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
    Caller callers[kSizes * kMostModels];
    if (argc < 2 || argc > 1 + kMostModels) return fail("usage: shared_team MODEL...");
    memset(callers, 0, sizeof callers);
    const size_t num_models = (size_t)argc - 1;
    int result = make_callers(argv + 1, num_models, callers);
    if (result == 0) result = run_callers(callers, kSizes * num_models);
    for (size_t i = 0; i < kSizes * num_models; ++i) {
        pf_session_destroy(callers[i].session);
        free(callers[i].input);
        free(callers[i].logits);
        free(callers[i].first_logits);
    }
    return result;
}
