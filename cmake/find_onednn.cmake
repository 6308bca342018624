# Finds oneDNN: the target poolformer::onednn, if there is one. Installed, too, for static libraries.
# SPDX-License-Identifier: Apache-2.0

# Not by its CMake package: Debian's demands the headers of OpenCL, which nothing here uses.
find_path(PF_ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(PF_ONEDNN_LIBRARY dnnl)
mark_as_advanced(PF_ONEDNN_INCLUDE_DIR PF_ONEDNN_LIBRARY)
if(PF_ONEDNN_INCLUDE_DIR AND PF_ONEDNN_LIBRARY AND NOT TARGET poolformer::onednn)
    add_library(poolformer::onednn UNKNOWN IMPORTED)
    set_target_properties(poolformer::onednn PROPERTIES
        IMPORTED_LOCATION ${PF_ONEDNN_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${PF_ONEDNN_INCLUDE_DIR})
endif()
