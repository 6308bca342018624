# ExportError: what the user can act on; the command line prints it without a traceback.
# SPDX-License-Identifier: Apache-2.0


class ExportError(Exception):
    """Says what was found, what was expected, and the name of the file, field or parameter."""
