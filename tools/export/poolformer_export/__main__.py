# python -m poolformer_export
# SPDX-License-Identifier: Apache-2.0
import sys

from poolformer_export.cli import main

sys.exit(main())
