# Parsing the standard library's headers is most of a compile. The presets that are built to be tested do it once for all their
# targets; the release does not, so that a file which forgets to include what it uses is found there.
set(precompiled)
if(MINIINIT_PRECOMPILE)
  set(precompiled precompiled) # the target that all others have it from
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU") # what ccache(1) asks for
    target_compile_options(mi_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  else()
    target_compile_options(mi_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
  endif()
  file(TOUCH ${CMAKE_BINARY_DIR}/precompiled.cpp)
  add_library(precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(precompiled PRIVATE mi_options)
  target_precompile_headers(precompiled PRIVATE <algorithm> <array> <charconv> <chrono> <deque> <expected> <functional> <map>
    <memory> <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)
endif()

function(precompile target)
  if(precompiled)
    target_precompile_headers(${target} REUSE_FROM ${precompiled})
  endif()
endfunction()
