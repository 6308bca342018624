# Example: classifies a gradient with the Python module of tools/python.
# SPDX-License-Identifier: Apache-2.0
import sys

import numpy
import poolformer

model = poolformer.load(sys.argv[1] if len(sys.argv) > 1 else "models/poolformer_c10")
gradient = numpy.zeros((32, 32, 3), dtype=numpy.uint8)  # or a PIL image
gradient[:] = 8 * numpy.arange(32, dtype=numpy.uint8)[None, :, None]
for label, probability in model.classify(gradient, top=3):
    print(f"{label}: {100 * probability:.1f} %")
