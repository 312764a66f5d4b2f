# The libraries that liboctet links, as octet_NAME targets. Included by octet's own build, and by
# the installed package (octet-config.cmake), where a static liboctet needs them again.
include_guard(GLOBAL)
find_package(tl-expected REQUIRED)  # libexpected-dev
find_package(Threads REQUIRED)

# A plain library: header and library name, found anywhere the compiler looks.
function(octet_find_library name header library package)
  find_path(OCTET_${name}_INCLUDE ${header})
  find_library(OCTET_${name}_LIBRARY ${library})
  if(NOT OCTET_${name}_INCLUDE OR NOT OCTET_${name}_LIBRARY)
    message(FATAL_ERROR "octet needs ${library}: on Debian, apt-get install ${package}")
  endif()
  add_library(octet_${name} INTERFACE IMPORTED GLOBAL)
  set_target_properties(octet_${name} PROPERTIES
    INTERFACE_LINK_LIBRARIES ${OCTET_${name}_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OCTET_${name}_INCLUDE})
endfunction()

octet_find_library(pthreadpool pthreadpool.h pthreadpool libpthreadpool-dev)
octet_find_library(cpuinfo cpuinfo.h cpuinfo libcpuinfo-dev)
if(OCTET_WITH_XNNPACK)
  octet_find_library(xnnpack xnnpack.h XNNPACK libxnnpack-dev)
endif()
