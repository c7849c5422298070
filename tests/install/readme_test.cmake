# The README's five-minute example is the consumer project, to the letter.
#
#   cmake -D SOURCE=... -P readme_test.cmake
file(READ ${SOURCE}/README.md readme)
foreach(shown main.cc CMakeLists.txt)
  file(READ ${SOURCE}/tests/install/consumer/${shown} text)
  if(shown STREQUAL "main.cc")
    set(block "```cpp\n${text}```\n")
  else()
    set(block "```cmake\n${text}```\n")
  endif()
  string(FIND "${readme}" "${block}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "README.md does not show tests/install/consumer/${shown} as it is")
  endif()
endforeach()
