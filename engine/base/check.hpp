// PF_DCHECK: catches our own mistakes in debug builds; user mistakes return a Result instead.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>

#define PF_DCHECK(condition) assert(condition)
