# The shells' completion scripts of etc/completions, which minictl prints, too: one row {"shell", R"sh(…)sh"} each, that
# ctl/verbs/completion_script.cpp includes.
set(rows "")
foreach(script bash=minictl.bash zsh=_minictl fish=minictl.fish)
  string(REGEX MATCH "(.*)=(.*)" script ${script})
  set(shell ${CMAKE_MATCH_1})
  set(file ${CMAKE_SOURCE_DIR}/etc/completions/${CMAKE_MATCH_2})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  string(APPEND rows "{\"${shell}\", R\"sh(${text})sh\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/completions/completion_scripts.inc CONTENT "@rows@" @ONLY)
target_include_directories(ctl PRIVATE ${CMAKE_BINARY_DIR}/completions)
