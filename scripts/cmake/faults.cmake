# miniinit-faults: the shipped program's objects, and src/fault_injection/ for what is empty in it. Tests that crash the init
# and the benchmark that runs it without state use it in place of miniinit. It is never installed, and where no tests are
# built it is made only when it is named, as linking takes as long as for the program itself.
if(MINIINIT_FAULTS)
  file(GLOB fault_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/fault_injection/*.cpp)
  program(miniinit-faults ${fault_sources})
  set_target_properties(miniinit-faults PROPERTIES EXCLUDE_FROM_ALL $<NOT:$<BOOL:${MINIINIT_TESTS}>>)
  # The later of the two, always, so that the tests see when it is an old one (tests/fault_injection.py).
  add_dependencies(miniinit-faults miniinit)
endif()
