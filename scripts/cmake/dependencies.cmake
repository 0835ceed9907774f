# Every library we use, in one place. Debian's packages first (scripts/bootstrap installs them); where one is missing,
# the same version is fetched from its own project. Each is wrapped as dep_NAME, so that a room names what it sees.
include(FetchContent)

# dependency(NAME HEADER GIT_URL GIT_TAG INCLUDE_DIR): a header-only library.
function(header_dependency name header url tag include)
  add_library(dep_${name} INTERFACE)
  find_path(${name}_INCLUDE ${header})
  if(${name}_INCLUDE AND CMAKE_CROSSCOMPILING)
    # Beside them lie the C library's headers, of this machine: only the library itself may be seen.
    string(REGEX REPLACE "/.*" "" folder ${header})
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/headers)
    file(CREATE_LINK ${${name}_INCLUDE}/${folder} ${CMAKE_BINARY_DIR}/headers/${folder} SYMBOLIC)
    target_include_directories(dep_${name} SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/headers)
  elseif(${name}_INCLUDE)
    target_include_directories(dep_${name} SYSTEM INTERFACE ${${name}_INCLUDE})
  else()
    FetchContent_Declare(${name}_source GIT_REPOSITORY ${url} GIT_TAG ${tag} GIT_SHALLOW ON)
    FetchContent_GetProperties(${name}_source)
    if(NOT ${name}_source_POPULATED)
      FetchContent_Populate(${name}_source)
    endif()
    target_include_directories(dep_${name} SYSTEM INTERFACE ${${name}_source_SOURCE_DIR}/${include})
  endif()
endfunction()

header_dependency(toml toml++/toml.h https://github.com/marzer/tomlplusplus.git v3.3.0 include)
header_dependency(doctest doctest/doctest.h https://github.com/doctest/doctest.git v2.4.9 .)
header_dependency(boost boost/asio.hpp https://github.com/boostorg/boost.git boost-1.81.0 .)

# toml++, Asio and Boost.JSON are compiled from their headers, once, inside the room that owns them: no archive to
# link, and nothing of them that is not used. Exceptions stay off in toml++: a bad unit file is ordinary input.
target_compile_definitions(dep_toml INTERFACE TOML_EXCEPTIONS=0 TOML_HEADER_ONLY=0 TOML_ENABLE_FORMATTERS=0
  TOML_FLOAT_CHARCONV=1 TOML_INT_CHARCONV=1) # else it parses numbers with streams, which bring all of libstdc++'s locales
add_library(dep_asio INTERFACE)
target_link_libraries(dep_asio INTERFACE dep_boost)
target_compile_definitions(dep_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_DISABLE_THREADS
  BOOST_ASIO_NO_DEPRECATED)
add_library(dep_json INTERFACE)
target_link_libraries(dep_json INTERFACE dep_boost)
target_compile_definitions(dep_json INTERFACE BOOST_JSON_NO_LIB BOOST_CONTAINER_NO_LIB)

# zstd: the archive where everything is linked statically (src/link/zstd_unused.cpp leaves out most of it).
add_library(dep_zstd INTERFACE)
if(zstd_LIBRARY AND NOT EXISTS "${zstd_LIBRARY}") # found once, and gone
  unset(zstd_LIBRARY CACHE)
  unset(zstd_INCLUDE CACHE)
endif()
if(MINIINIT_TRIPLET) # scripts/bootstrap has put it there
  set(zstd_place ${CMAKE_SOURCE_DIR}/build/cross/zstd/${MINIINIT_TRIPLET}/usr)
  find_library(zstd_LIBRARY libzstd.a PATHS ${zstd_place}/lib/${MINIINIT_TRIPLET} NO_DEFAULT_PATH)
  find_path(zstd_INCLUDE zstd.h PATHS ${zstd_place}/include NO_DEFAULT_PATH)
else()
  if(MINIINIT_STATIC)
    find_library(zstd_LIBRARY libzstd.a)
  else()
    find_library(zstd_LIBRARY zstd)
  endif()
  find_path(zstd_INCLUDE zstd.h)
endif()
if(zstd_LIBRARY AND zstd_INCLUDE)
  target_include_directories(dep_zstd SYSTEM INTERFACE ${zstd_INCLUDE})
  target_link_libraries(dep_zstd INTERFACE ${zstd_LIBRARY})
else()
  FetchContent_Declare(zstd_source GIT_REPOSITORY https://github.com/facebook/zstd.git GIT_TAG v1.5.4 GIT_SHALLOW ON)
  FetchContent_GetProperties(zstd_source)
  if(NOT zstd_source_POPULATED)
    FetchContent_Populate(zstd_source)
  endif()
  file(GLOB zstd_files ${zstd_source_SOURCE_DIR}/lib/common/*.c ${zstd_source_SOURCE_DIR}/lib/compress/*.c
    ${zstd_source_SOURCE_DIR}/lib/decompress/*.c)
  add_library(zstd_fetched STATIC ${zstd_files})
  target_compile_definitions(zstd_fetched PRIVATE ZSTD_LEGACY_SUPPORT=0 ZSTD_DISABLE_ASM=1 XXH_NAMESPACE=ZSTD_)
  target_include_directories(dep_zstd SYSTEM INTERFACE ${zstd_source_SOURCE_DIR}/lib)
  target_link_libraries(dep_zstd INTERFACE zstd_fetched)
endif()
