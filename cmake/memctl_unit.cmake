# SPDX-License-Identifier: LGPL-2.1-or-later
set(MEMCTL_UNIT_DIR "lib/systemd/system" CACHE STRING "Where systemd finds packages' units")

# memctl_install_unit(NAME COMPONENT): installs packaging/NAME.in as a unit of systemd. Only the
# installation knows the prefix, and the unit names its program below it.
function(memctl_install_unit name component)
  if(IS_ABSOLUTE "${MEMCTL_UNIT_DIR}")
    set(unit "${MEMCTL_UNIT_DIR}/${name}")
  else()
    set(unit "\${CMAKE_INSTALL_PREFIX}/${MEMCTL_UNIT_DIR}/${name}")
  endif()
  install(CODE "
    set(MEMCTL_BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    set(MEMCTL_SBINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
    message(STATUS \"Installing: \$ENV{DESTDIR}${unit}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/packaging/${name}.in\" \"\$ENV{DESTDIR}${unit}\" @ONLY)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"${unit}\")" COMPONENT ${component})
endfunction()
