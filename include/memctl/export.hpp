// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#if defined(__GNUC__)
#define MEMCTL_EXPORT __attribute__((visibility("default")))
#else
#define MEMCTL_EXPORT
#endif
