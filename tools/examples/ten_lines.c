/* Example: loads a model, makes a session, runs one image, says which class came first.
 * SPDX-License-Identifier: Apache-2.0 */
#include <poolformer/poolformer.h>
#include <stdio.h>

enum { kSide = 32, kClasses = 10 }; /* models/poolformer_c10; pf_model_get_info tells them */

static int fail(void) {
    fprintf(stderr, "%s\n", pf_last_error());
    return 1;
}

int main(int argc, char** argv) {
    static float input[3 * kSide * kSide]; /* planes R, G, B; pf_preprocess makes it of a photo */
    float probabilities[kClasses];
    pf_model* model = NULL;
    pf_session* session = NULL;
    /* Sizes are told, so that another model is refused instead of overrunning the arrays. */
    pf_run run = {.struct_size = sizeof run, .input = input, .input_bytes = sizeof input};
    run.probabilities = probabilities;
    run.num_probabilities = kClasses;
    for (int i = 0; i < 3 * kSide * kSide; ++i) input[i] = (float)(i % kSide) / (kSide / 2) - 1;

    if (pf_model_load(argc > 1 ? argv[1] : "models/poolformer_c10", NULL, &model) != PF_OK ||
        pf_session_create(model, NULL, &session) != PF_OK ||
        pf_session_run_with(session, &run) != PF_OK) {
        return fail();
    }
    int best = 0;
    for (int i = 1; i < kClasses; ++i) best = probabilities[i] > probabilities[best] ? i : best;
    printf("a gradient is most like: %s (%.1f %%)\n", pf_model_label(model, (size_t)best),
           100 * (double)probabilities[best]);
    pf_session_destroy(session);
    pf_model_destroy(model);
    return 0;
}
