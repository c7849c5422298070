# cmake -D OUTPUT=<file.cc> -D FILES=<paths, separated by '|'> -P embed_files.cmake
#
# Writes the source of dashboard_files(): each file as a string of escaped bytes.
string(REPLACE "|" ";" files "${FILES}")
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(entries "")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  get_filename_component(ending ${file} LAST_EXT)
  string(SUBSTRING ${ending} 1 -1 ending)
  if(NOT DEFINED types_${ending})
    message(FATAL_ERROR "${file}: no content type is known for .${ending}")
  endif()
  file(SIZE ${file} size)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\"\n     \"" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
  string(APPEND entries "    {\"${name}\", \"${types_${ending}}\",\n     {\"${bytes}\", ${size}}},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by tools/cmake/embed_files.cmake from tools/ingotd/dashboard.
#include \"tools/ingotd/http/dashboard_files.h\"

namespace ingot::server {

const std::vector<DashboardFile>& dashboard_files() {
  static const std::vector<DashboardFile> files = {
${entries}  };
  return files;
}

}  // namespace ingot::server
")
