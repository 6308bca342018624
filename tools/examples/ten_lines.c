/* Example: loads a model, runs one image, says how likely each class is. In ten statements.
 * SPDX-License-Identifier: Apache-2.0 */
#include <poolformer/poolformer.h>
#include <stdio.h>

int main(int argc, char** argv) {
    static float image[3 * 32 * 32], scores[10]; /* grey; pf_preprocess makes one of a photo */
    pf_model* model = NULL;
    pf_session* session = NULL;
    pf_run run = {.struct_size = sizeof run,
                  .input = image,
                  .input_bytes = sizeof image,
                  .probabilities = scores,
                  .num_probabilities = 10}; /* sizes are checked */
    if (pf_model_load(argc > 1 ? argv[1] : "models/poolformer_c10", NULL, &model) != PF_OK ||
        pf_session_create(model, NULL, &session) != PF_OK ||
        pf_session_run_with(session, &run) != PF_OK) {
        fprintf(stderr, "%s\n", pf_last_error());
        return 1;
    }
    for (size_t i = 0; pf_model_label(model, i) != NULL; ++i) {
        printf("%s %.3f\n", pf_model_label(model, i), (double)scores[i]);
    }
    pf_session_destroy(session);
    pf_model_destroy(model);
}
