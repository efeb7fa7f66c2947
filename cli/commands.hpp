// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "options.hpp"

namespace memctl::cli {

/// Each runs one command to its end and returns the process's exit code.
int run_resize(const Options& options);
int run_plan(const Options& options);
int run_status(const Options& options);
int run_doctor(const Options& options);
int run_recover(const Options& options);

}  // namespace memctl::cli
