# cmake --install: the binary, the names it answers to, the vendor units, the man pages, completions, an example configuration.
# The names that every init has (`poweroff`, `reboot`, …) would take the place of another init's. They are a component of their own,
# which is installed only where it is asked for: cmake --install … --component commands.
include(GNUInstallDirs)

# links(COMPONENT FOLDER TARGET NAME…): symbolic links to TARGET, seen from FOLDER below the prefix.
function(install_links component folder target)
  if(component STREQUAL commands)
    set(only_when_asked_for EXCLUDE_FROM_ALL)
  endif()
  install(CODE "
    set(to \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}\")
    file(MAKE_DIRECTORY \"\${to}\")
    foreach(name ${ARGN})
      file(CREATE_LINK ${target} \"\${to}/\${name}\" SYMBOLIC)
    endforeach()" COMPONENT ${component} ${only_when_asked_for})
endfunction()

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME miniinit)
install(PROGRAMS ${CMAKE_BINARY_DIR}/miniinit DESTINATION sbin)
install_links(miniinit bin ../sbin/miniinit minictl)
install_links(commands sbin miniinit poweroff reboot halt shutdown telinit)
install(DIRECTORY units/ DESTINATION lib/miniinit FILES_MATCHING PATTERN "*.toml")
install(FILES etc/miniinit.toml README.md DESTINATION share/doc/miniinit)
install(DIRECTORY etc/examples etc/container DESTINATION share/doc/miniinit)
# Where the links of the README lead.
install(DIRECTORY etc/docs DESTINATION share/doc/miniinit/etc PATTERN pictures EXCLUDE)
# `minictl completion SHELL` prints the same, and they ask it.
if(MINIINIT_TOOLS)
  install(FILES etc/completions/minictl.bash DESTINATION share/bash-completion/completions RENAME minictl)
  install(FILES etc/completions/_minictl DESTINATION share/zsh/site-functions)
  install(FILES etc/completions/minictl.fish DESTINATION share/fish/vendor_completions.d)
endif()
foreach(section 1 5 7 8)
  install(DIRECTORY etc/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} FILES_MATCHING PATTERN "*.${section}")
endforeach()

# cpack -G DEB, in the build directory: a package that leaves the system's own init alone.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME miniinit)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "miniinit developers <miniinit@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "small init system and supervisor, for machines and containers")
set(CPACK_PACKAGE_DESCRIPTION "Starts services in parallel by their dependencies, supervises them, keeps their logs, and ends\
 them in order: as PID 1 of a machine, as the entrypoint of a container, or for a user. It is put beside the system's own init,
 which it leaves alone; `init=/sbin/miniinit` on the kernel command line boots with it.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL miniinit)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES OFF) # it is
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
string(REGEX MATCH "^[a-z0-9_]+" machine ${CMAKE_SYSTEM_PROCESSOR})
set(debian_x86_64 amd64)
set(debian_aarch64 arm64)
set(debian_arm armhf)
set(debian_riscv64 riscv64)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${debian_${machine}})
if(NOT MINIINIT_STATIC)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
