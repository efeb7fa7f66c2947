// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MEMCTL_NO_WORK_AFTER_FORK: a sanitizer's own locks may be held for ever in a forked child of
// several threads, so that the child must neither allocate memory nor start a thread.
// MEMCTL_NO_OWN_NEW: clang++'s ThreadSanitizer has an operator new that no program can replace.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMCTL_NO_WORK_AFTER_FORK
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMCTL_NO_WORK_AFTER_FORK
#endif
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MEMCTL_NO_OWN_NEW
#endif
#endif
