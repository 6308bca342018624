/* Example: a model inside the program. The build compiles it and embeds the file
 * (embedded_model.S); no file is read when the program runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <poolformer/poolformer.h>
#include <stdio.h>

/* Between them lie the bytes of the compiled file, aligned to 64. */
extern const unsigned char embedded_model_begin[];
extern const unsigned char embedded_model_end[];

enum { kSide = 32, kClasses = 10 }; /* of models/poolformer_c10 */

static int fail(void) {
    fprintf(stderr, "embedded_model: %s\n", pf_last_error());
    return 1;
}

int main(void) {
    static float input[3 * kSide * kSide];
    float logits[kClasses];
    const size_t bytes = (size_t)(embedded_model_end - embedded_model_begin);
    pf_model* model = NULL;
    pf_session* session = NULL;
    pf_model_info info = {.struct_size = sizeof info};
    pf_run run = {.struct_size = sizeof run, .input = input, .input_bytes = sizeof input};
    run.logits = logits;
    run.num_logits = kClasses;
    for (int i = 0; i < 3 * kSide * kSide; ++i) input[i] = (float)(i % kSide) / (kSide / 2) - 1;

    /* The weights are used where they are: read-only pages of the program's own file. */
    if (pf_model_load_compiled_memory(embedded_model_begin, bytes, NULL, &model) != PF_OK ||
        pf_model_get_info(model, &info) != PF_OK ||
        pf_session_create(model, NULL, &session) != PF_OK ||
        pf_session_run_with(session, &run) != PF_OK) {
        return fail();
    }
    int best = 0;
    for (int i = 1; i < kClasses; ++i) best = logits[i] > logits[best] ? i : best;
    printf("%s for %s, %zu embedded bytes: a gradient is most like: %s\n", info.name, info.isa,
           bytes, pf_model_label(model, (size_t)best));
    pf_session_destroy(session);
    pf_model_destroy(model);
    return 0;
}
