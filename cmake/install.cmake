# Headers, libraries, the CMake package and the pkg-config file.
install(DIRECTORY include/simdrop DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN openmp.h EXCLUDE)
if(TARGET simdrop_lib_openmp)
  install(FILES include/simdrop/openmp.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/simdrop)
endif()
install(TARGETS ${simdrop_libraries} EXPORT simdrop_targets
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/simdrop)
install(EXPORT simdrop_targets NAMESPACE simdrop:: FILE simdrop-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/simdrop-config.cmake.in simdrop-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(simdrop-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/simdrop-config.cmake ${PROJECT_BINARY_DIR}/simdrop-config-version.cmake DESTINATION ${package_dir})

# The pkg-config file finds the prefix from its own place, so that it is right after cmake --install --prefix and when it was moved.
# Absolute install folders are allowed (CMAKE_INSTALL_LIBDIR=/opt/lib), and then stand alone; a file in such a folder can know the
# prefix only as it was at configuration. A folder that is written out takes quotes for its spaces; pkg-config escapes its own.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pkgconfig_prefix "${CMAKE_INSTALL_PREFIX}")
  set(prefix_quote "\"")
else()
  file(RELATIVE_PATH up "${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
  string(REGEX REPLACE "/$" "" pkgconfig_prefix "\${pcfiledir}/${up}")
  set(prefix_quote "")
endif()
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(pkgconfig_${dir} "${CMAKE_INSTALL_${dir}}")
    set(quote_${dir} "\"")
  else()
    set(pkgconfig_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
    set(quote_${dir} "${prefix_quote}")
  endif()
endforeach()
configure_file(cmake/simdrop.pc.in simdrop.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/simdrop.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET simdrop_lib_openmp)
  configure_file(cmake/simdrop-openmp.pc.in simdrop-openmp.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/simdrop-openmp.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
