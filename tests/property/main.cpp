// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cstdlib>

int main(int count, char** arguments) {
  // RapidCheck's own variable. All runs are equal unless it has another seed. With sanitizers, or
  // with a library that is not optimised, a run takes ten times as long.
#ifdef MEMCTL_SLOW
  setenv("RC_PARAMS", "seed=4170 max_success=500 max_discard_ratio=100", 0);
#else
  setenv("RC_PARAMS", "seed=4170 max_success=5000 max_discard_ratio=100", 0);
#endif
  testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}
