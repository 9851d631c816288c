# An overlay port of the tree that it lies in (docs/packaging.md). For a registry, the next line becomes vcpkg_from_github(...).
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)

string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" "dynamic" shared)
string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" "static" static)
vcpkg_check_features(OUT_FEATURE_OPTIONS features
  FEATURES
    highway SIMDROP_WITH_HIGHWAY
    openmp SIMDROP_WITH_OPENMP
    sleef SIMDROP_WITH_SLEEF
    tools SIMDROP_BUILD_TOOL
)
# A feature that was asked for and does not work must not be left out in silence.
set(required ${FEATURES})
list(REMOVE_ITEM required core tools)
list(JOIN required "\\;" required)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${features}
    "-DSIMDROP_REQUIRED=${required}"
    -DSIMDROP_BUILD_SHARED=${shared}
    -DSIMDROP_BUILD_STATIC=${static}
    -DSIMDROP_BUILD_TESTS=OFF
    -DSIMDROP_BUILD_EXAMPLES=OFF
    -DSIMDROP_WITH_BOOST=OFF
  OPTIONS_DEBUG
    -DSIMDROP_BUILD_TOOL=OFF
  MAYBE_UNUSED_VARIABLES
    SIMDROP_WITH_BOOST # without the tool
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/simdrop)
vcpkg_fixup_pkgconfig()
if("tools" IN_LIST FEATURES)
  vcpkg_copy_tools(TOOL_NAMES simdrop AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
