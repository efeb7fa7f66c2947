/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "saves.h"

#include <fcntl.h>
#include <libxl.h>
#include <libxl_event.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <xentoollog.h>

static xentoollog_logger_stdiostream* logger = NULL;
static libxl_ctx* libxl = NULL;
static uint32_t guests[2];
static int turn = 0;
static int sink = -1;
static enum { idle, saving, resuming } doing = idle;
static saves_figures figures;

static const libxl_asyncop_how as_event = {.callback = NULL};

static pid_t fork_for_libxl(void* data) {
  const pid_t pid = fork();
  (void)data;
  if (pid > 0) ++figures.started;
  return pid;
}

static libxl_childproc_hooks hooks = {.fork_replacement = fork_for_libxl};

static bool good(const char* what, int code) {
  if (code == 0) return true;
  fprintf(stderr, "%s: libxl's error %d\n", what, code);
  ++figures.failed;
  return false;
}

bool saves_open(const char* sigchld, const char* first, const char* second) {
  logger = xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
  if (!logger) return false;
  if (!good("open", libxl_ctx_alloc(&libxl, LIBXL_VERSION, 0, (xentoollog_logger*)logger))) {
    return false;
  }
  if (strcmp(sigchld, "mainloop") == 0) {
    hooks.chldowner = libxl_sigchld_owner_mainloop;
  } else if (strcmp(sigchld, "selective") == 0) {
    hooks.chldowner = libxl_sigchld_owner_libxl_always_selective_reap;
  } else {
    hooks.chldowner = libxl_sigchld_owner_libxl;
  }
  libxl_childproc_setmode(libxl, &hooks, NULL);
  sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
  return sink >= 0 && good(first, libxl_name_to_domid(libxl, first, &guests[0])) &&
         good(second, libxl_name_to_domid(libxl, second, &guests[1]));
}

void saves_close(void) {
  if (libxl) libxl_ctx_free(libxl);
  if (logger) xtl_logger_destroy((xentoollog_logger*)logger);
  if (sink >= 0) close(sink);
  libxl = NULL;
  logger = NULL;
  sink = -1;
}

static void look(void) {
  int count = 0;
  int i = 0;
  libxl_dominfo* all = libxl_list_domain(libxl, &count);
  for (i = 0; i < count; ++i) {
    libxl_dominfo one;
    libxl_dominfo_init(&one);
    if (!good("look", libxl_domain_info(libxl, &one, all[i].domid))) break;
    libxl_dominfo_dispose(&one);
  }
  if (all && i == count) ++figures.looks;
  if (!all) good("list", ERROR_FAIL);
  libxl_dominfo_list_free(all, count);
}

void saves_start(void) {
  if (doing != idle) return;
  look();
  turn = 1 - turn;
  if (good("save", libxl_domain_suspend(libxl, guests[turn], sink, 0, &as_event))) doing = saving;
}

bool saves_run(void) { return doing != idle; }

int saves_before_poll(struct pollfd* fds, int* timeout_ms) {
  struct timeval now;
  int count = saves_most_fds;
  gettimeofday(&now, NULL);
  return good("before poll", libxl_osevent_beforepoll(libxl, &count, fds, timeout_ms, now)) ? count
                                                                                            : 0;
}

/* One step of a save has ended: first the save itself, and then the guest goes on. */
static void step_ended(int code) {
  if (doing == saving) {
    doing = idle;
    good("a save's end", code);
    if (good("resume", libxl_domain_resume(libxl, guests[turn], 1, &as_event))) doing = resuming;
  } else {
    doing = idle;
    if (good("a resume's end", code)) ++figures.saves;
  }
}

void saves_after_poll(const struct pollfd* fds, int count) {
  struct timeval now;
  libxl_event* event = NULL;
  gettimeofday(&now, NULL);
  libxl_osevent_afterpoll(libxl, count, fds, now);
  while (libxl_event_check(libxl, &event, LIBXL_EVENTMASK_ALL, NULL, NULL) == 0) {
    const int code = event->u.operation_complete.rc;
    const bool complete = event->type == LIBXL_EVENT_TYPE_OPERATION_COMPLETE;
    libxl_event_free(libxl, event);
    if (complete) step_ended(code);
  }
}

bool saves_take_child(pid_t pid, int status) {
  const bool known = libxl_childproc_reaped(libxl, pid, status) == 0;
  if (known) ++figures.reaped;
  return known;
}

saves_figures saves_so_far(void) { return figures; }
