// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace memctl::cli {

/// Where the front finds what it executes. It never looks in PATH or in the current folder, because
/// root runs it.
struct FrontPlaces {
  std::string xl;                      ///< The real xl.
  std::string self{"/proc/self/exe"};  ///< The front. The commands xl-NAME lie beside it.
};

/// Executes the command that this command line of xl means: xl-NAME, or the real xl for everything
/// else. Returns an exit code only if nothing could be executed, or after `xl help`.
[[nodiscard]] int run_front(const FrontPlaces& places, int argc, char** argv);

}  // namespace memctl::cli
