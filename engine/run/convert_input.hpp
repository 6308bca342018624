// convert_input: an image as the caller has it becomes the planes that the stem reads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/image/preprocess.hpp"
#include "kernels/layout.hpp"

namespace pf {

// As pf_input_format in poolformer.h.
enum class InputFormat { nchw_f32, nhwc_f32, nhwc_u8 };

std::size_t bytes_per_value(InputFormat format);

// Pixels [pixels.begin, pixels.end) of an image [num_pixels][3] in `format`, which is not nchw_f32,
// as planes [3][num_pixels]. Bytes are normalised by `levels`.
void convert_input(const void* image, InputFormat format, const Levels& levels,
                   std::size_t num_pixels, kernels::Range pixels, float* planes);

}  // namespace pf
