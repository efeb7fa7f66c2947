// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Xen's C headers, which have no `extern "C"` of their own. The standard headers come first, so
// that Xen's headers do not include them inside `extern "C"`.
#pragma once

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
#include <libxl.h>
#include <libxl_event.h>
#include <libxl_utils.h>
#include <xenctrl.h>
#include <xenstore.h>
#include <xentoollog.h>
}
