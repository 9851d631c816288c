# gcc for 32-bit x86 on another machine (Debian: gcc-i686-linux-gnu, libc6-dev-i386-cross, qemu-user-static). The emulator has AVX2 and
# no AVX-512; a kernel for x86-64 mostly runs these programs as they are. Only what is made for 32-bit x86 is looked at: neither this
# machine's libraries nor their packages.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER i686-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-i386-static -cpu max -L /usr/i686-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/i686-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
