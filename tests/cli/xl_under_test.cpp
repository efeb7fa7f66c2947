// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The front with another place for the real xl, so that the tests need no /usr/sbin/xl. It is not
// installed: the front of an installation reads no variable.
#include <cstdlib>

#include "xl_front.hpp"

int main(int argc, char** argv) {
  const char* xl = std::getenv("XL_UNDER_TEST");
  return memctl::cli::run_front({.xl = xl == nullptr ? "" : xl}, argc, argv);
}
