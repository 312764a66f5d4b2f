# Fails where an object that is compiled with an instruction set's flags defines a weak symbol: an
# inline function of a shared header, which the linker may choose for CPUs that lack the set.
if(NOT OBJECTS)
  message(FATAL_ERROR "no objects to look at")
endif()
set(looked_at 0)
foreach(object IN LISTS OBJECTS)
  if(NOT object MATCHES "/octet_(isa|leaves|float_leaves)_[a-z0-9_]+\\.dir/")
    continue()  # compiled without flags
  endif()
  math(EXPR looked_at "${looked_at} + 1")
  execute_process(COMMAND ${NM} --defined-only ${object}
                  OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${NM} cannot read ${object}")
  endif()
  string(REGEX MATCHALL "[0-9a-f]+ [WVu] [^\n]+" weak "${symbols}")
  if(weak)
    message(SEND_ERROR "${object} defines weak symbols: ${weak}")
  endif()
endforeach()
message("${looked_at} objects define no weak symbols")
