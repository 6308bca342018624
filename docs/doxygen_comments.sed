# Turns a header's plain comments into those that Doxygen reads; used by docs/Doxyfile.
# SPDX-License-Identifier: Apache-2.0

# The first comment is about the file; rules between sections and comments of #endif about nothing.
1s|^/\* |/** @file\n * |
1s|^// |/// @file\n/// |
/^ *#/b
/^ *(\/\*|\/\/) ----/b

# A comment that fills its line is about what follows, one behind code about that code.
s|^( *)/\* |\1/** |
s|^( *)//( .*)?$|\1///\2|
s|([^ ]) +/\* |\1 /**< |
s|([;,]) +// |\1 ///< |
