# The numbers of system calls on the architecture that is built for, out of the compiler's own headers: lines for an array
# of {"name", number} that base/system_calls.cpp includes.
file(WRITE ${CMAKE_BINARY_DIR}/system_calls/ask.cpp "#include <sys/syscall.h>\n")
separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
if(CMAKE_CXX_COMPILER_TARGET)
  list(APPEND flags --target=${CMAKE_CXX_COMPILER_TARGET})
endif()
execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${flags} -dM -E ${CMAKE_BINARY_DIR}/system_calls/ask.cpp
  OUTPUT_VARIABLE macros COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "#define __NR_[a-z0-9_]+ " macros "${macros}")
list(SORT macros)
string(REGEX REPLACE "#define __NR_([a-z0-9_]+) ;?" "{\"\\1\", __NR_\\1},\n" lines "${macros}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/system_calls/call_numbers.inc CONTENT "${lines}")
target_include_directories(base PRIVATE ${CMAKE_BINARY_DIR}/system_calls)
