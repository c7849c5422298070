# What `cmake --install` puts into a prefix: the static archives, the public headers, and the two
# ways to find them, ingotConfig.cmake and ingot.pc. `ingot::ingot` is the target to link.
include(CMakePackageConfigHelpers)

set(folders core commit-log storage partition)
set(archives "")
foreach(folder ${folders})
  if(TARGET ingot-${folder})
    list(APPEND archives ingot-${folder})
  endif()
endforeach()

add_library(ingot-all INTERFACE)
add_library(ingot::ingot ALIAS ingot-all)
set_target_properties(ingot-all PROPERTIES EXPORT_NAME ingot)
if(TARGET ingot-partition)
  target_link_libraries(ingot-all INTERFACE ingot-partition)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ingot)
foreach(archive ${archives})
  get_target_property(headers ${archive} HEADER_SET)
  if(headers)
    install(TARGETS ${archive} EXPORT ingot-targets
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  else()
    install(TARGETS ${archive} EXPORT ingot-targets
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()
install(TARGETS ingot-all EXPORT ingot-targets)
install(EXPORT ingot-targets NAMESPACE ingot:: FILE ingotTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ingotConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/ingotConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 each minor version may break its users.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ingotConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ingotConfig.cmake ${PROJECT_BINARY_DIR}/ingotConfigVersion.cmake
        DESTINATION ${package_dir})

# Relative to the .pc file, so that an installed tree can be moved.
file(RELATIVE_PATH INGOT_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" INGOT_PC_PREFIX "${INGOT_PC_PREFIX}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/ingot.pc.in ${PROJECT_BINARY_DIR}/ingot.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ingot.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET ingot)
  install(TARGETS ingot RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
foreach(program ingotd ingot-grpc-load)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
