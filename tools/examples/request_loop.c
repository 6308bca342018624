/* Example: a service's loop. Requests run one after the other, each with a deadline; at the end
 * come the latencies as a histogram, the percentiles, and how many deadlines were missed.
 * SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <poolformer/poolformer.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
    pf_session* session;
    pf_run run;
    uint8_t* image;
    uint64_t* latencies_us;
    size_t num_requests;
    size_t num_missed;
} Service;

static int fail(const char* what) {
    fprintf(stderr, "request_loop: %s\n", what);
    return 1;
}

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Stands in for a request that arrives: another picture each time. */
static void receive_request(Service* service, size_t number) {
    for (size_t i = 0; i < service->run.input_bytes; ++i) {
        service->image[i] = (uint8_t)(i + number);
    }
}

static int serve(Service* service) {
    for (size_t i = 0; i < service->num_requests; ++i) {
        receive_request(service, i);
        const uint64_t start = now_us();
        const pf_status status = pf_session_run_with(service->session, &service->run);
        service->latencies_us[i] = now_us() - start;
        if (status == PF_DEADLINE_EXCEEDED) {
            /* A service answers without the logits here. The session is good for the next one. */
            ++service->num_missed;
        } else if (status != PF_OK) {
            return fail(pf_last_error());
        }
    }
    return 0;
}

static int compare(const void* left, const void* right) {
    const uint64_t a = *(const uint64_t*)left, b = *(const uint64_t*)right;
    return (a > b) - (a < b);
}

/* The least latency that `per_mille` of all requests do not exceed. */
static uint64_t percentile(const Service* service, size_t per_mille) {
    const size_t rank = (service->num_requests * per_mille + 999) / 1000;
    return service->latencies_us[rank > 0 ? rank - 1 : 0];
}

/* One line for latencies in [from, to), as long as its share of all. */
static void print_bar(uint64_t from, uint64_t to, size_t count, size_t total) {
    printf("%8" PRIu64 " .. %8" PRIu64 " us %8zu  ", from, to, count);
    for (size_t i = 0; i < (count * 50 + total - 1) / total; ++i) putchar('#');
    putchar('\n');
}

static void print_report(Service* service) {
    const size_t total = service->num_requests;
    size_t begin = 0;
    qsort(service->latencies_us, total, sizeof *service->latencies_us, compare);
    /* Each class is a quarter wider than the one before: fine at the median, short at the tail. */
    uint64_t from = service->latencies_us[0], to;
    for (; begin < total; from = to) {
        size_t end = begin;
        to = from + from / 4 + 1;
        while (end < total && service->latencies_us[end] < to) ++end;
        print_bar(from, to, end - begin, total);
        begin = end;
    }
    printf("p50 %" PRIu64 " us, p99 %" PRIu64 " us, p99.9 %" PRIu64 " us; ",
           percentile(service, 500), percentile(service, 990), percentile(service, 999));
    if (service->run.timeout_us == 0) {
        printf("%zu requests without a deadline\n", total);
    } else {
        printf("%zu of %zu requests missed their deadline of %" PRIu64 " us\n", service->num_missed,
               total, service->run.timeout_us);
    }
}

/* All memory is there before the first request: a run allocates none. */
static int prepare_and_serve(Service* service, const pf_model* model) {
    pf_model_info info = {.struct_size = sizeof info};
    pf_session_options options = {.struct_size = sizeof options};
    options.input_format = PF_INPUT_NHWC_U8; /* bytes, as decoders give them */
    if (pf_model_get_info(model, &info) != PF_OK) return fail(pf_last_error());
    if (pf_session_create(model, &options, &service->session) != PF_OK) {
        return fail(pf_last_error());
    }
    service->run.input_bytes = 3 * info.input_height * info.input_width;
    service->run.num_logits = info.num_classes;
    service->run.input = service->image = malloc(service->run.input_bytes);
    service->run.logits = calloc(info.num_classes, sizeof *service->run.logits);
    service->latencies_us = calloc(service->num_requests, sizeof *service->latencies_us);
    if (!service->image || !service->run.logits || !service->latencies_us) {
        return fail("out of memory");
    }
    const int result = serve(service);
    if (result == 0) print_report(service);
    return result;
}

int main(int argc, char** argv) {
    pf_model* model = NULL;
    Service service = {.run = {.struct_size = sizeof service.run}};
    if (argc != 4) return fail("usage: request_loop MODEL REQUESTS TIMEOUT_US (0: no deadline)");
    service.num_requests = (size_t)strtoul(argv[2], NULL, 10);
    service.run.timeout_us = strtoull(argv[3], NULL, 10);
    if (service.num_requests == 0) return fail("REQUESTS must be 1 or more");
    if (pf_model_load(argv[1], NULL, &model) != PF_OK) return fail(pf_last_error());
    const int result = prepare_and_serve(&service, model);
    pf_session_destroy(service.session);
    pf_model_destroy(model);
    free(service.image);
    free(service.run.logits);
    free(service.latencies_us);
    return result;
}
