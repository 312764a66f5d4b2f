# Toolchain file: 64-bit Arm Linux, built on another machine with Debian's cross compiler, tested
# under qemu.
#   third_party/install_debian.sh build test arm64
#   third_party/arm64_libraries.sh build-arm64/libraries
#   cmake --preset arm64-linux && cmake --build --preset arm64-linux && ctest --preset arm64-linux
# QEMU_CPU=cortex-a72 (or another of `qemu-aarch64 -cpu help`) chooses the CPU that tests run on.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(OCTET_ARM64_LIBRARIES ${CMAKE_CURRENT_LIST_DIR}/../build-arm64/libraries CACHE PATH
  "Where third_party/arm64_libraries.sh unpacked arm64 builds of octet's libraries")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES OCTET_ARM64_LIBRARIES)

# OCTET_ARM64_CLANG builds with clang, which has every target in it, and the cross compiler's
# runtime libraries.
option(OCTET_ARM64_CLANG "Cross-compile with clang" OFF)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES OCTET_ARM64_CLANG)
set(triple aarch64-linux-gnu)
if(OCTET_ARM64_CLANG)
  set(CMAKE_C_COMPILER clang)
  set(CMAKE_CXX_COMPILER clang++)
  set(CMAKE_C_COMPILER_TARGET ${triple})
  set(CMAKE_CXX_COMPILER_TARGET ${triple})
else()
  set(CMAKE_C_COMPILER ${triple}-gcc)
  set(CMAKE_CXX_COMPILER ${triple}-g++)
endif()
set(CMAKE_LIBRARY_ARCHITECTURE ${triple})
set(CMAKE_NM ${triple}-nm CACHE STRING "")

# Libraries of the target only; headers and CMake packages, which most dependencies are nothing but,
# of the host too.
get_filename_component(libraries ${OCTET_ARM64_LIBRARIES} ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${libraries})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
foreach(language IN ITEMS C CXX)
  set(CMAKE_${language}_FLAGS_INIT "-isystem ${libraries}/usr/include/${triple}")  # jconfig.h
endforeach()
# Shared libraries find each other as the program finds them. The cross compiler's own C library
# comes with its loader, which must not meet another one that a Debian with arm64 packages may have.
set(library_folders ${libraries}/usr/lib/${triple}:${libraries}/lib/${triple}:/usr/${triple}/lib)
foreach(kind IN ITEMS EXE SHARED)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT
    "-Wl,--disable-new-dtags -Wl,-rpath-link,${library_folders} -Wl,-rpath,${library_folders}")
endforeach()

find_program(OCTET_QEMU qemu-aarch64)
if(OCTET_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${OCTET_QEMU} -L /usr/${triple})
endif()
