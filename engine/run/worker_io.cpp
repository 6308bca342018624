// Session::Worker: from the caller's image and to the caller's outputs.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/run/worker.hpp"

namespace pf {

using kernels::Range;

namespace {

// Wherever it lies: a caller's memory need not be aligned.
float value_at(const float* from) {
    float value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// exp(x - max) / sum, in double, so that no logit overflows and the sum rounds nothing away.
void softmax(const float* logits, std::size_t classes, float* to) {
    double largest = value_at(logits);
    for (std::size_t i = 1; i < classes; ++i) {
        largest = std::max<double>(largest, value_at(logits + i));
    }
    double sum = 0;
    for (std::size_t i = 0; i < classes; ++i) sum += std::exp(value_at(logits + i) - largest);
    for (std::size_t i = 0; i < classes; ++i) {
        const auto value = static_cast<float>(std::exp(value_at(logits + i) - largest) / sum);
        std::memcpy(to + i, &value, sizeof value);
    }
}

}  // namespace

void Session::Worker::convert_image() {
    const std::size_t pixels = session_.plan_.input_height * session_.plan_.input_width;
    const InputFormat format = session_.input_format_;
    const std::byte* image = static_cast<const std::byte*>(image_.request.input) +
                             image_.index * kImageChannels * pixels * bytes_per_value(format);
    if (format == InputFormat::nchw_f32) {
        planes_ = reinterpret_cast<const float*>(image);
        return;
    }
    float* planes = maps_ + session_.plan_.planes_offset;
    pf::convert_input(image, format, session_.levels_, pixels, share(pixels), planes);
    planes_ = planes;
    barrier();
}

void Session::Worker::copy_block(const Step& step) const {
    if (!step.tap) return;
    const RunRequest& request = image_.request;
    if (!request.taps.empty()) copy_map(*step.output_map, request.taps[*step.tap]);
    for (std::size_t stage = 0; stage < request.stage_maps.size(); ++stage) {
        if (session_.model_->stage_taps[stage] == *step.tap) {
            copy_map(*step.output_map, request.stage_maps[stage]);
        }
    }
    barrier();
}

// From the blocked layout to the image's dense [channels, height, width] of the batch at `to`.
void Session::Worker::copy_map(std::size_t index, float* to) const {
    if (to == nullptr) return;
    const MapPlan& map = session_.plan_.maps[index];
    const float* from = maps_ + map.offset;
    const std::size_t block = kernels_.block;
    const Range channels = share(map.channels);
    to += image_.index * map.channels * map.pixels();
    for (std::size_t c = channels.begin; c < channels.end; ++c) {
        const float* plane = from + c / block * map.pixels() * block + c % block;
        for (std::size_t p = 0; p < map.pixels(); ++p) {
            std::memcpy(to + c * map.pixels() + p, plane + p * block, sizeof(float));
        }
    }
}

void Session::Worker::write_features(std::span<const float> features) const {
    float* to = image_.request.features;
    if (to == nullptr) return;
    std::memcpy(to + image_.index * features.size(), features.data(), features.size_bytes());
}

float* Session::Worker::logits() const {
    float* const to = image_.request.logits;
    if (to == nullptr) return maps_ + session_.plan_.logits_offset;
    return to + image_.index * session_.model_->description.head.classes;
}

void Session::Worker::write_probabilities() const {
    const std::size_t classes = session_.model_->description.head.classes;
    softmax(logits(), classes, image_.request.probabilities + image_.index * classes);
}

}  // namespace pf
