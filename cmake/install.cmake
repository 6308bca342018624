# cmake --install: the library with its headers, CMake package and pkg-config file, and the command
# line if it was built. cpack -G DEB: all of it as a Debian package.
# SPDX-License-Identifier: Apache-2.0
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
include(cmake/notices.cmake)
set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/poolformer)

install(TARGETS poolformer EXPORT poolformer INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY engine/include/poolformer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(PF_BUILD_TOOLS)
    install(TARGETS poolformer_cli)
endif()
install_notices(${CMAKE_INSTALL_DOCDIR}/notices ""
    libxsimd-dev nlohmann-json3-dev libcli11-dev)

configure_file(cmake/poolformer-config.cmake.in poolformer-config.cmake @ONLY)
# poolformer.h only grows, but before 1.0 a minor version may change poolformer.hpp.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/poolformer-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(EXPORT poolformer NAMESPACE poolformer:: FILE poolformer-targets.cmake
    DESTINATION ${cmake_folder})
install(FILES ${PROJECT_BINARY_DIR}/poolformer-config.cmake
              ${PROJECT_BINARY_DIR}/poolformer-config-version.cmake cmake/find_onednn.cmake
    DESTINATION ${cmake_folder})

# Relative, so that the installed tree may be anywhere.
file(RELATIVE_PATH pkgconfig_to_prefix
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix ${pkgconfig_to_prefix})
list(TRANSFORM PF_CXX_LIBRARIES PREPEND -l OUTPUT_VARIABLE pkgconfig_cxx_libraries)
list(JOIN pkgconfig_cxx_libraries " " pkgconfig_cxx_libraries)
configure_file(cmake/poolformer.pc.in poolformer.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/poolformer.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME poolformer)
set(CPACK_PACKAGE_VENDOR poolformer.cpp)
set(CPACK_PACKAGE_CONTACT "The authors of poolformer.cpp")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "PoolFormer inference on CPUs")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
if(NOT BUILD_SHARED_LIBS)
    set(CPACK_DEBIAN_PACKAGE_DEPENDS libdnnl-dev) # who links the library links oneDNN
endif()
find_program(PF_DPKG_SHLIBDEPS dpkg-shlibdeps)
find_program(PF_FILE file)
mark_as_advanced(PF_DPKG_SHLIBDEPS PF_FILE)
if(PF_DPKG_SHLIBDEPS AND PF_FILE)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
