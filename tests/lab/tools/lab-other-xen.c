/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into a program, it writes the version of another Xen release into each domctl, as the
 * libraries of that release do. The hypervisor then answers by itself.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct hypercall { /* what IOCTL_PRIVCMD_HYPERCALL takes */
  uint64_t number;
  uint64_t arguments[5];
};
#define HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall))
#define DOMCTL 36
#define OTHER_VERSION 0x7f

int ioctl(int file, unsigned long request, ...) {
  int (*next)(int, unsigned long, void*) =
      (int (*)(int, unsigned long, void*))dlsym(RTLD_NEXT, "ioctl");
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  const struct hypercall* call = argument;
  if (request == HYPERCALL && call->number == DOMCTL) {
    /* a domctl begins with its command and its version */
    ((uint32_t*)(uintptr_t)call->arguments[0])[1] = OTHER_VERSION;
  }
  return next(file, request, argument);
}
