// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#if __cplusplus < 202002L
#error "memctl's headers need C++20: compile with -std=c++20 or newer"
#endif

#if defined(__GNUC__)
#define MEMCTL_EXPORT __attribute__((visibility("default")))
#else
#define MEMCTL_EXPORT
#endif
