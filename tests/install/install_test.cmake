# Installs the build into an empty prefix, moves that prefix, and builds and runs the consumer
# project against it, once by find_package and once by pkg-config.
#
#   cmake -D BUILD=... -D SOURCE=... -D SCRATCH=... -D CXX=... -D FLAGS=... -D GENERATOR=...
#         -P install_test.cmake
foreach(name BUILD SOURCE SCRATCH CXX GENERATOR)
  if(NOT DEFINED ${name})
    message(FATAL_ERROR "-D ${name}= is missing")
  endif()
endforeach()

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${result}\n${output}\n${error}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(run_consumer consumer hub)
  run(${consumer} ${SCRATCH}/${hub})
  if(NOT output STREQUAL "Completed: Hello Tokyo! Hello London!\n")
    message(FATAL_ERROR "${consumer} printed: ${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/first)
file(RENAME ${SCRATCH}/first ${SCRATCH}/prefix)
set(prefix ${SCRATCH}/prefix)

# Exactly the public headers.
file(GLOB expected RELATIVE ${SOURCE} ${SOURCE}/*/include/ingot/*.h)
list(TRANSFORM expected REPLACE "^.*/include/" "include/")
list(SORT expected)
file(GLOB_RECURSE installed RELATIVE ${prefix} ${prefix}/include/*)
list(SORT installed)
if(NOT installed STREQUAL expected)
  message(FATAL_ERROR "installed headers: ${installed}\nexpected: ${expected}")
endif()
file(GLOB_RECURSE archives ${prefix}/*.a)
list(LENGTH archives count)
if(NOT count EQUAL 4)
  message(FATAL_ERROR "installed archives: ${archives}")
endif()

# A user of CMake.
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/install/consumer -B ${SCRATCH}/consumer -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_CXX_FLAGS=${FLAGS})
run(${CMAKE_COMMAND} --build ${SCRATCH}/consumer)
run_consumer(${SCRATCH}/consumer/consumer hub-cmake)

# A user of pkg-config.
file(GLOB_RECURSE pc ${prefix}/*/ingot.pc)
get_filename_component(pc_dir ${pc} DIRECTORY)
run(${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_dir} pkg-config --cflags --libs ingot)
string(STRIP "${output}" output)
separate_arguments(arguments UNIX_COMMAND "${output}")
separate_arguments(flags UNIX_COMMAND "${FLAGS}")
run(${CXX} -std=c++20 ${flags} ${SOURCE}/tests/install/consumer/main.cc -o ${SCRATCH}/by-pkg-config
    ${arguments})
run_consumer(${SCRATCH}/by-pkg-config hub-pkg-config)

# The version is refused by name when it can't fit.
file(WRITE ${SCRATCH}/newer/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)
project(newer LANGUAGES CXX)
find_package(ingot 99.0)
if(ingot_FOUND)
  message(FATAL_ERROR \"version 99 was found\")
endif()
")
run(${CMAKE_COMMAND} -S ${SCRATCH}/newer -B ${SCRATCH}/newer/build -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX})
file(REMOVE_RECURSE ${SCRATCH})
