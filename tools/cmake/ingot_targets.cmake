# How every folder becomes one static library, and every test file one executable.
include(GNUInstallDirs)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# Flags of our own code only: nothing here reaches a program that links an installed ingot.
# The last two lines: g++ 12 reports these from its own inlined library code when it optimises, so
# they don't fail a build.
add_library(ingot-flags INTERFACE)
target_compile_options(ingot-flags INTERFACE -Wall -Wextra -Wconversion -Wno-sign-conversion
                                             -Wshadow -Wnon-virtual-dtor)
if(INGOT_WERROR)
  target_compile_options(ingot-flags INTERFACE -Werror -Wno-error=maybe-uninitialized
                                               -Wno-error=array-bounds)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(ingot-flags INTERFACE -Wno-restrict)
  if(INGOT_WERROR)
    target_compile_options(ingot-flags INTERFACE -Wno-error=stringop-overflow
                                                 -Wno-error=stringop-overread
                                                 -Wno-error=dangling-pointer
                                                 -Wno-error=free-nonheap-object)
  endif()
endif()
if(INGOT_SANITIZE)
  target_compile_options(ingot-flags INTERFACE -fsanitize=${INGOT_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ingot-flags INTERFACE -fsanitize=${INGOT_SANITIZE})
  if(INGOT_WERROR AND INGOT_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(ingot-flags INTERFACE -Wno-error=tsan) # Boost.Asio's fences
  endif()
endif()

# ingot_library(<folder> [LINK <private libraries>] [USES <ingot folders>])
#
# A static library `ingot-<folder>` (alias ingot::<folder>) of every .cc below the calling folder.
# Includes are written from the root ("commit-log/segment.h"); public headers live in include/ingot.
function(ingot_library folder)
  cmake_parse_arguments(ARG "" "" "LINK;USES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/ingot/*.h)
  list(FILTER sources EXCLUDE REGEX "_bench\\.cc$")
  if(NOT sources)
    return()
  endif()
  set(target ingot-${folder})
  add_library(${target} STATIC ${sources})
  add_library(ingot::${folder} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder} LINKER_LANGUAGE CXX)
  if(INGOT_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    # g++ sees the anonymous namespaces of what it takes for included files.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  if(INGOT_PLANTED_BUGS)
    foreach(source ${sources})
      file(STRINGS ${source} planted REGEX "INGOT_PLANTED" LIMIT_COUNT 1)
      if(planted)
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS INGOT_PLANTED_BUGS)
      endif()
    endforeach()
  endif()
  if(public_headers)
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_CURRENT_SOURCE_DIR}/include
                                    FILES ${public_headers})
  endif()
  foreach(used ${ARG_USES})
    target_link_libraries(${target} PUBLIC ingot-${used})
  endforeach()
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:ingot-flags> ${ARG_LINK} Threads::Threads)
endfunction()

# ingot_tests(<folder> [LINK <libraries>] [SERIAL] [EXCEPT <regex>])
#
# Each <name>_test.cc beside the caller becomes the test `<folder>/<name>`, but for those whose path
# EXCEPT matches. SERIAL: its tests run alone, for those that load the machine. Temporary files lie in
# the build folder, because the system's may be in memory, where there is no O_DIRECT. The targets are
# listed in <folder>_tests.
function(ingot_tests folder)
  cmake_parse_arguments(ARG "SERIAL" "EXCEPT" "LINK" ${ARGN})
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  if(ARG_EXCEPT)
    list(FILTER tests EXCLUDE REGEX ${ARG_EXCEPT})
  endif()
  set(scratch ${PROJECT_BINARY_DIR}/test-scratch)
  file(MAKE_DIRECTORY ${scratch})
  foreach(source ${tests})
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "_test$" "" name ${name})
    set(target ${folder}-${name}-test)
    list(APPEND targets ${target})
    add_executable(${target} ${source})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE ingot-flags ${ARG_LINK} GTest::gtest_main Threads::Threads)
    add_test(NAME ${folder}/${name} COMMAND ${target})
    set_tests_properties(${folder}/${name} PROPERTIES TIMEOUT 900
                         ENVIRONMENT "TEST_TMPDIR=${scratch};TMPDIR=${scratch}")
    if(ARG_SERIAL)
      set_tests_properties(${folder}/${name} PROPERTIES RUN_SERIAL ON)
    endif()
  endforeach()
  set(${folder}_tests ${targets} PARENT_SCOPE)
endfunction()
