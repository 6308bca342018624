/* A C99 program over the library: classifies a grey image and says which class came first.
 * SPDX-License-Identifier: Apache-2.0 */
#include <poolformer/poolformer.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char* what) {
    fprintf(stderr, "%s: %s\n", what, pf_last_error());
    return 1;
}

static int classify_grey(pf_session* session, const pf_model_info* model) {
    size_t best = 0;
    float* input = calloc(3 * model->input_height * model->input_width, sizeof *input);
    float* logits = calloc(model->num_classes, sizeof *logits);
    pf_status status = pf_session_run(session, input, 1, logits);
    for (size_t i = 1; i < model->num_classes; ++i) {
        if (logits[i] > logits[best]) best = i;
    }
    if (status == PF_OK) {
        printf("poolformer %s, %s on %s: grey is class %zu\n", pf_version(), model->name,
               model->isa, best);
    }
    free(input);
    free(logits);
    return status == PF_OK ? 0 : fail("pf_session_run");
}

int main(int argc, char** argv) {
    pf_model* model = NULL;
    pf_session* session = NULL;
    pf_model_info info = {.struct_size = sizeof info};
    if (argc != 2) {
        fprintf(stderr, "usage: use_from_c MODEL\n");
        return 2;
    }
    if (pf_model_load("no such folder", NULL, &model) == PF_OK || *pf_last_error() == '\0') {
        fprintf(stderr, "a folder that does not exist must be refused, with a message\n");
        return 1;
    }
    if (pf_model_load(argv[1], NULL, &model) != PF_OK) return fail("pf_model_load");
    if (pf_model_get_info(model, &info) != PF_OK) return fail("pf_model_get_info");
    if (pf_session_create(model, NULL, &session) != PF_OK) return fail("pf_session_create");
    int result = classify_grey(session, &info);
    pf_session_destroy(session);
    pf_model_destroy(model);
    return result;
}
