# publish(NAME): the executable target NAME is linked as NAME-debug, and NAME is made of it in one step, at the end: stripped
# where everything is linked statically (names for the addresses in a report of a crash are in NAME-debug), else the same
# file. So a build that is interrupted, or a disk that is full, leaves no NAME, or the old one, and never half of one that
# could be installed.
function(publish name)
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${name}-debug)
  if(MINIINIT_STATIC)
    set(make_it ${CMAKE_STRIP} -o ${name}.new ${name}-debug)
  else()
    set(make_it ${CMAKE_COMMAND} -E create_hardlink ${name}-debug ${name}.new)
  endif()
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${make_it}
    COMMAND ${CMAKE_COMMAND} -E rename ${name}.new ${name}
    BYPRODUCTS ${CMAKE_CURRENT_BINARY_DIR}/${name}
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
