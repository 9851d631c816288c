"""Recipe for Conan 2, of the tree that it lies in: conan create packaging/conan (docs/packaging.md)."""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir
from conan.tools.scm import Version

required_conan_version = ">=2.0"


class SimdropConan(ConanFile):
    name = "simdrop"
    description = "Vectorised dropout kernels, the same bits on every instruction set"
    license = "Apache-2.0"
    topics = ("dropout", "simd", "neural-network", "deep-learning")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    # highway: more backends, such as those for x86 without AVX2. openmp: simdrop::openmp. tools: the command-line tool.
    options = {"shared": [True, False], "fPIC": [True, False], "highway": [True, False], "openmp": [True, False], "tools": [True, False]}
    default_options = {"shared": False, "fPIC": True, "highway": False, "openmp": True, "tools": False}
    implements = ["auto_shared_fpic"]
    languages = "C"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "../../include/simdrop/version.h"))
        self.version = ".".join(re.search(rf"SIMDROP_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH"))

    def export_sources(self):
        tree = os.path.join(self.recipe_folder, "../..")
        for pattern in ("CMakeLists.txt", "LICENSE", "bench/*.c", "cmake/*", "include/*", "src/*", "tools/*"):
            copy(self, pattern, src=tree, dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        if self.options.highway:
            self.requires("highway/[>=1.0.3 <2]")

    def validate(self):
        oldest = {"gcc": "11", "clang": "14", "apple-clang": "14"}.get(str(self.settings.compiler))
        if oldest is None or Version(self.settings.compiler.version) < oldest:
            raise ConanInvalidConfiguration(f"{self.ref} needs gcc 11 or clang 14")
        if self.options.tools and self.settings.os == "Windows":
            raise ConanInvalidConfiguration(f"the tool of {self.ref} needs POSIX's signals and threads")

    def generate(self):
        toolchain = CMakeToolchain(self)
        values = {
            "BUILD_SHARED": self.options.shared, "BUILD_STATIC": not self.options.shared, "BUILD_TOOL": self.options.tools,
            "BUILD_TESTS": False, "BUILD_EXAMPLES": False, "WITH_HIGHWAY": self.options.highway, "WITH_OPENMP": self.options.openmp,
            "WITH_SLEEF": False,  # what the machine happens to have must not decide what is in the package
        }
        if self.options.tools:
            values["WITH_BOOST"] = False  # the same
        for name, value in values.items():
            toolchain.cache_variables[f"SIMDROP_{name}"] = bool(value)
        # A part that was asked for and is not there must not be left out in silence.
        toolchain.cache_variables["SIMDROP_REQUIRED"] = ";".join(part for part in ("highway", "openmp") if self.options.get_safe(part))
        toolchain.generate()
        if self.options.highway:
            from conan.tools.cmake import CMakeDeps

            CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        cmake = CMake(self)
        for component in ("Runtime", "Development", "Tools"):
            cmake.install(component=component)
        # Conan's generators write these for each who uses the package.
        for folder in ("cmake", "pkgconfig"):
            rmdir(self, os.path.join(self.package_folder, "lib", folder))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "simdrop")
        kind = "shared" if self.options.shared else "static"
        core = self.cpp_info.components["simdrop"]
        core.set_property("cmake_target_name", "simdrop::simdrop")
        core.set_property("cmake_target_aliases", [f"simdrop::{kind}"])
        core.set_property("pkg_config_name", "simdrop")
        core.libs = ["simdrop_static" if self.settings.os == "Windows" and not self.options.shared else "simdrop"]
        if not self.options.shared:
            core.defines = ["SIMDROP_STATIC"]
            if self.settings.os in ("Linux", "FreeBSD"):
                core.system_libs = ["m"]
        if self.options.openmp:
            openmp = self.cpp_info.components["openmp"]
            openmp.set_property("cmake_target_name", "simdrop::openmp")
            openmp.set_property("pkg_config_name", "simdrop-openmp")
            openmp.libs = ["simdrop_openmp"]
            openmp.requires = ["simdrop"]
            if not self.options.shared:
                openmp.defines = ["SIMDROP_OPENMP_STATIC"]
                openmp.sharedlinkflags = ["-fopenmp"]
                openmp.exelinkflags = ["-fopenmp"]
        if self.options.highway:
            core.requires = ["highway::highway"]
