# The executor image (src/executor): a program without a C library, built the same way whatever the rest is built like, and
# taken into room `os` as bytes.
set(executor_flags -std=c++23 -Os -g0 -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector -fno-pic -fno-lto
  -fno-asynchronous-unwind-tables -fno-unwind-tables -ffunction-sections -fdata-sections -fno-sanitize=all -U_FORTIFY_SOURCE)
add_executable(executor ${CMAKE_SOURCE_DIR}/src/executor/executor.cpp ${CMAKE_SOURCE_DIR}/src/executor/start.cpp
  ${CMAKE_SOURCE_DIR}/src/os/spawn/execute_orders.cpp
  ${CMAKE_SOURCE_DIR}/src/os/spawn/steps.cpp ${CMAKE_SOURCE_DIR}/src/os/spawn/steps_mounts.cpp
  ${CMAKE_SOURCE_DIR}/src/os/spawn/steps_identity.cpp ${CMAKE_SOURCE_DIR}/src/os/spawn/steps_network.cpp
  ${CMAKE_SOURCE_DIR}/src/os/spawn/steps_secrets.cpp
  ${CMAKE_SOURCE_DIR}/src/os/spawn/walk.cpp)
set_target_properties(executor PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF POSITION_INDEPENDENT_CODE OFF)
target_include_directories(executor PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(executor PRIVATE _GNU_SOURCE)
target_compile_options(executor PRIVATE -Wall -Wextra -Werror -Wshadow -Wno-missing-field-initializers ${executor_flags}
  $<$<CXX_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns>
  $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},aarch64>:-mno-outline-atomics>)
target_link_options(executor PRIVATE -nostdlib -static -no-pie -fno-lto -fno-sanitize=all -Wl,--gc-sections
  -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096 -Wl,--build-id=none -s)
target_link_libraries(executor PRIVATE -lgcc)

target_sources(os PRIVATE ${CMAKE_SOURCE_DIR}/src/os/spawn/executor_bytes.S)
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/os/spawn/executor_bytes.S PROPERTIES LANGUAGE C
  COMPILE_OPTIONS "-xassembler-with-cpp;-DEXECUTOR=\"${CMAKE_BINARY_DIR}/executor\"" OBJECT_DEPENDS ${CMAKE_BINARY_DIR}/executor
  SKIP_PRECOMPILE_HEADERS ON)
add_dependencies(os executor)
