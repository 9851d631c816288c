# Run by CPack before it makes packages: to the files of each component, those that Debian's policy wants besides; static libraries and
# manual pages as it wants them.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

find_program(gzip gzip REQUIRED)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  set(name ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(root "${CPACK_TEMPORARY_DIRECTORY}/${component}")
  set(doc "${root}/usr/share/doc/${name}")
  file(MAKE_DIRECTORY "${doc}")
  configure_file("${CPACK_SIMDROP_DEBIAN}/copyright" "${doc}/copyright" COPYONLY)
  set(maintainer "${CPACK_DEBIAN_PACKAGE_MAINTAINER}")
  configure_file("${CPACK_SIMDROP_DEBIAN}/changelog" "${doc}/changelog.Debian" @ONLY)
  configure_file("${CPACK_SIMDROP_CHANGELOG}" "${doc}/changelog" COPYONLY)
  file(GLOB texts "${doc}/changelog*" "${root}/usr/share/man/man1/*.1")
  run("${gzip}" -9nf ${texts})
  file(GLOB_RECURSE libraries "${root}/usr/*.so.*")
  file(GLOB programs "${root}/usr/bin/*")
  foreach(file IN LISTS libraries programs) # CPack has stripped the rest of them
    run("${CPACK_SIMDROP_STRIP}" --remove-section=.comment --remove-section=.note "${file}")
  endforeach()
  file(GLOB_RECURSE archives "${root}/usr/*.a")
  foreach(archive IN LISTS archives)
    run("${CPACK_SIMDROP_STRIP}" --strip-debug --remove-section=.comment --remove-section=.note --enable-deterministic-archives
        "${archive}")
  endforeach()
endforeach()
