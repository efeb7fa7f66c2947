// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Xen's C headers, which have no `extern "C"` of their own. The standard ones come first, so that
// none of them is first included inside it.
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
