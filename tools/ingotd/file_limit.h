#pragma once

// Each connection is a file. Shells commonly start programs with a soft limit of 1024 of them, for
// the sake of select(), which nothing here uses; the hard limit is what the system allows.

#include <sys/resource.h>

namespace ingot::server {

inline void raise_file_limit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace ingot::server
