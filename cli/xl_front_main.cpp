// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A front for xl: see xl-mem(1). An administrator may link it as xl into /usr/local/sbin.
#include "xl_front.hpp"

int main(int argc, char** argv) {
  return memctl::cli::run_front({.xl = "/usr/sbin/xl"}, argc, argv);
}
