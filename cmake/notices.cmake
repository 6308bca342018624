# Licences of headers of which parts are compiled in: they want their notices to come along.
# SPDX-License-Identifier: Apache-2.0

# install_notices(FOLDER OPTIONS PACKAGE...): installs the notices of Debian packages, those that are
# there, into FOLDER, as PACKAGE. OPTIONS is a list for install().
function(install_notices folder options)
    foreach(package ${ARGN})
        set(notice /usr/share/doc/${package}/copyright)
        if(EXISTS ${notice})
            install(FILES ${notice} RENAME ${package} DESTINATION ${folder} ${options})
        endif()
    endforeach()
endfunction()
