/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { together = 3, inherits = 77 };

typedef struct child {
  pid_t pid;
  int status; /* what waitpid has to tell of it */
} child;

static child running[together];
static children_figures figures;
static int serial = 0;
static int woken[2] = {-1, -1};

static void wake(int number) {
  const int before = errno;
  (void)number;
  if (write(woken[1], "", 1) < 0) { /* full: the loop wakes in any case */
  }
  errno = before;
}

bool children_own_signal(void) {
  int i = 0;
  struct sigaction action = {0};
  if (pipe(woken) != 0) return false;
  for (i = 0; i < 2; ++i) {
    if (fcntl(woken[i], F_SETFD, FD_CLOEXEC) != 0) return false;
    if (fcntl(woken[i], F_SETFL, O_NONBLOCK) != 0) return false;
  }
  action.sa_handler = wake;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  return sigaction(SIGCHLD, &action, NULL) == 0;
}

int children_fd(void) { return woken[0]; }

/* Three kinds of children: one exits, one is killed, one executes this program. */
static child start(void) {
  const int number = serial++;
  const int code = number % 64;
  const struct timespec life = {0, (50 + code) * 1000000L};
  child started = {0, 0};
  if (number % 3 == 0) started.status = code << 8;
  if (number % 3 == 1) started.status = SIGKILL;
  started.pid = fork();
  if (started.pid != 0) return started;
  nanosleep(&life, NULL);
  if (number % 3 == 0) _exit(code);
  if (number % 3 == 1) raise(SIGKILL);
  execl("/proc/self/exe", "own_libxl", "child", (char*)NULL);
  _exit(1);
}

int children_be_one(void) {
  const char* const stored = "/var/lib/xen/userdata-d.";
  int others = 0;
  const struct dirent* entry = NULL;
  DIR* open_files = opendir("/proc/self/fd");
  if (!open_files) return 1;
  while ((entry = readdir(open_files))) {
    const int number = atoi(entry->d_name);
    char name[300];
    char target[300] = "";
    if (number <= STDERR_FILENO || number == dirfd(open_files)) continue;
    snprintf(name, sizeof name, "/proc/self/fd/%s", entry->d_name);
    if (entry->d_name[0] == '.' || readlink(name, target, sizeof target - 1) < 0) continue;
    /* libxl opens a domain's stored configuration without close-on-exec (libxl_utils.c in 4.17). */
    if (strncmp(target, stored, strlen(stored)) == 0) continue;
    fprintf(stderr, "a child inherited %s\n", target);
    ++others;
  }
  closedir(open_files);
  return others > 0 ? inherits : 0;
}

static void ended(child one, int status) {
  if (status == one.status) {
    ++figures.ended;
  } else if (WIFEXITED(status) && WEXITSTATUS(status) == inherits) {
    ++figures.inherited;
  } else {
    fprintf(stderr, "a child ended with %#x instead of %#x\n", (unsigned)status,
            (unsigned)one.status);
    ++figures.wrong;
  }
}

void children_start(void) {
  int i = 0;
  for (i = 0; i < together; ++i) {
    if (running[i].pid <= 0) running[i] = start();
  }
}

static child* with_pid(pid_t pid) {
  int i = 0;
  for (i = 0; i < together; ++i) {
    if (running[i].pid == pid) return &running[i];
  }
  return NULL;
}

int children_reap(children_take_other take_other) {
  char noted[64];
  int unknown = 0;
  int status = 0;
  pid_t pid = 0;
  while (read(woken[0], noted, sizeof noted) > 0) {
  }
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    child* one = with_pid(pid);
    if (one) {
      ended(*one, status);
      one->pid = 0;
    } else if (!take_other(pid, status)) {
      ++unknown;
    }
  }
  if (pid < 0 && errno == ECHILD) {
    int i = 0;
    for (i = 0; i < together; ++i) {
      if (running[i].pid > 0) ++figures.lost;
      running[i].pid = 0;
    }
  }
  return unknown;
}

bool children_run(void) {
  int i = 0;
  for (i = 0; i < together; ++i) {
    if (running[i].pid > 0) return true;
  }
  return false;
}

void children_run_one(void) {
  int status = 0;
  const child one = start();
  if (waitpid(one.pid, &status, 0) == one.pid) {
    ended(one, status);
  } else {
    ++figures.lost;
  }
}

children_figures children_so_far(void) { return figures; }
