/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin LIBRARY: loads the library, resizes a guest with it, and unloads it, several times, as a
 * program with plugins would. Ends with 0 if all is as it should be.
 */
#include <dlfcn.h>
#include <memctl/memctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef memctl_error* (*open_function)(const char*, const memctl_host_options*, memctl_host**);
typedef memctl_error* (*find_function)(memctl_host*, const char*, memctl_domain**);
typedef memctl_error* (*resize_function)(memctl_domain*, memctl_size_kind, int64_t,
                                         const memctl_resize_options*, memctl_report**);
typedef void (*close_function)(memctl_host*);
typedef void (*free_function)(memctl_report*);

/* ISO C has no cast from an object's address to a function. */
static void look_up(void* library, const char* name, void* function) {
  void* found = dlsym(library, name);
  memcpy(function, &found, sizeof found);
}

static int is_loaded(void) {
  char line[4096];
  int found = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "libmemctl") != NULL;
  if (maps) fclose(maps);
  return found;
}

static int use(const char* file) {
  open_function host_open = NULL;
  find_function host_find = NULL;
  resize_function resize = NULL;
  close_function host_close = NULL;
  free_function report_free = NULL;
  memctl_host* host = NULL;
  memctl_domain* domain = NULL;
  memctl_report* report = NULL;
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) return 10;
  look_up(library, "memctl_host_open", &host_open);
  look_up(library, "memctl_host_find", &host_find);
  look_up(library, "memctl_domain_resize", &resize);
  look_up(library, "memctl_host_close", &host_close);
  look_up(library, "memctl_report_free", &report_free);
  if (!host_open || !host_find || !resize || !host_close || !report_free) return 11;
  if (host_open("sim:", NULL, &host)) return 12;
  if (host_find(host, "demo-pvh", &domain)) return 13;
  if (resize(domain, MEMCTL_SIZE_RELATIVE, 1 << 20, NULL, &report)) return 14;
  report_free(report);
  host_close(host);
  return dlclose(library) == 0 ? 0 : 15;
}

int main(int count, char** arguments) {
  int turn = 0;
  int status = 0;
  pid_t child = 0;
  if (count != 2) return 2;
  for (turn = 0; turn < 20; ++turn) {
    const int fault = use(arguments[1]);
    if (fault) return fault;
    if (is_loaded()) return 16;
  }
  /* What the library registered for a fork and for the process's end is gone with it. */
  child = fork();
  if (child == 0) _exit(3);
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 3) {
    return 17;
  }
  return 0;
}
