// EXIF orientation: reading it from a metadata block, and turning an image upright.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/base/result.hpp"
#include "tools/cli/decode.hpp"

namespace pf::cli {

// The orientation, 1 to 8, that an EXIF block (a TIFF header and what follows) holds in its first
// directory; 1 if it holds none or a meaningless value, as PIL has it. A block whose header or
// first directory cannot be read is an error. `file` names it.
Result<int> read_orientation(Bytes exif, const std::string& file);

// The image as it is meant to be seen: 1 leaves it, 2 to 8 mirror and turn it.
Image apply_orientation(Image image, int orientation);

}  // namespace pf::cli
