/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program with children, a SIGCHLD handler and a libxl context of its own, which also resizes
 * guests through memctl, all in one event loop:
 *
 *     own_libxl SIGCHLD TIMES RESIZED RESIZED SAVED SAVED
 *
 * SIGCHLD says whose the children are, in the words of libxl_event.h: "mainloop" (the program's
 * handler reaps all), "selective" (libxl has the handler, and each reaps its own) or "default"
 * (libxl reaps all, and the program has no children). At the end the program prints what it saw.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "children.h"
#include "resizes.h"
#include "saves.h"

enum { own_fds = 2, last_signal = 64 };

/* What memctl must not change. */
typedef struct signals {
  void (*handlers[last_signal + 1])(int);
  int flags[last_signal + 1];
  sigset_t mask;
} signals;

static signals signals_now(void) {
  signals now = {.flags = {0}};
  int number = 0;
  pthread_sigmask(SIG_BLOCK, NULL, &now.mask);
  for (number = 1; number <= last_signal; ++number) {
    struct sigaction action = {0};
    if (sigaction(number, NULL, &action) != 0) continue; /* the C library's own */
    now.handlers[number] = action.sa_handler;
    now.flags[number] = action.sa_flags;
  }
  return now;
}

/* Flags mean nothing without a handler. */
static bool same_action(const signals* one, const signals* other, int number) {
  const bool none = one->handlers[number] == SIG_IGN || one->handlers[number] == SIG_DFL;
  return one->handlers[number] == other->handlers[number] &&
         (none || one->flags[number] == other->flags[number]);
}

static int differences(const signals* one, const signals* other) {
  int count = 0;
  int number = 0;
  for (number = 1; number <= last_signal; ++number) {
    const bool blocked = sigismember(&one->mask, number) == sigismember(&other->mask, number);
    if (same_action(one, other, number) && blocked) continue;
    fprintf(stderr, "signal %d is not as it was: %#lx instead of %#lx\n", number,
            (unsigned long)(uintptr_t)other->handlers[number],
            (unsigned long)(uintptr_t)one->handlers[number]);
    ++count;
  }
  return count;
}

/* How many entries a folder has, without "." and "..". */
static int entries(const char* folder) {
  int count = -2;
  DIR* open_folder = opendir(folder);
  if (!open_folder) return -1;
  while (readdir(open_folder)) ++count;
  closedir(open_folder);
  return count;
}

static int unknown_children = 0;
static bool reaps_all = false;
static bool has_children = false;

static void run_a_child_each_second(void) {
  static time_t last = 0;
  const time_t now = time(NULL);
  if (now == last) return;
  last = now;
  children_run_one();
}

/* One turn of the loop. `more`: the program's children go on. */
static void turn(bool more) {
  struct pollfd fds[own_fds + saves_most_fds] = {{resizes_fd(), POLLIN, 0},
                                                 {children_fd(), POLLIN, 0}};
  int timeout_ms = 1000;
  int libxl_fds = 0;
  if (has_children && more && reaps_all) children_start();
  if (has_children && more && !reaps_all) run_a_child_each_second();
  libxl_fds = saves_before_poll(fds + own_fds, &timeout_ms);
  if (poll(fds, (nfds_t)(own_fds + libxl_fds), timeout_ms) < 0) return; /* a child: see below */
  if (fds[0].revents) resizes_dispatch();
  if (fds[1].revents) unknown_children += children_reap(saves_take_child);
  saves_after_poll(fds + own_fds, libxl_fds);
}

static void print(int changed_signals, int left, const int* fds, const int* threads) {
  const resizes_figures resizes = resizes_so_far();
  const children_figures children = children_so_far();
  const saves_figures saves = saves_so_far();
  printf("{\"resizes\": {\"verified\": %d, \"busy\": %d, \"failed\": %d, \"events\": %d},\n",
         resizes.verified, resizes.refused_busy, resizes.failed, resizes.events);
  printf(
      " \"children\": {\"ended\": %d, \"wrong\": %d, \"inherited\": %d, \"lost\": %d,"
      " \"unknown\": %d, \"left\": %d},\n",
      children.ended, children.wrong, children.inherited, children.lost, unknown_children, left);
  printf(
      " \"libxl\": {\"saves\": %d, \"looks\": %d, \"failed\": %d, \"started\": %d,"
      " \"reaped\": %d},\n",
      saves.saves, saves.looks, saves.failed, saves.started, saves.reaped);
  printf(" \"changed_signals\": %d, \"descriptors\": [%d, %d, %d], \"threads\": [%d, %d, %d]}\n",
         changed_signals, fds[0], fds[1], fds[2], threads[0], threads[1], threads[2]);
}

/* The kernel lists a thread until shortly after it has been joined. */
static void wait_until_alone(void) {
  const struct timespec moment = {0, 10000000};
  int left = 500;
  while (entries("/proc/self/task") > 1 && left-- > 0) nanosleep(&moment, NULL);
}

static void count_open(int* fds, int* threads) {
  *fds = entries("/proc/self/fd");
  *threads = entries("/proc/self/task");
}

/* What the program was started with is not for its children, either. */
static void keep_files_to_itself(void) {
  int number = 0;
  for (number = 3; number < 64; ++number) fcntl(number, F_SETFD, FD_CLOEXEC);
}

int main(int count, char** arguments) {
  int fds[3];
  int threads[3];
  int changed = 0;
  int left = 0;
  signals before;
  signals now;
  if (count == 2 && strcmp(arguments[1], "child") == 0) return children_be_one();
  if (count != 7) {
    fprintf(stderr, "usage: %s SIGCHLD TIMES RESIZED RESIZED SAVED SAVED\n", arguments[0]);
    return 2;
  }
  reaps_all = strcmp(arguments[1], "mainloop") == 0;
  has_children = strcmp(arguments[1], "default") != 0;
  keep_files_to_itself();
  signal(SIGPIPE, SIG_IGN); /* memctl.h says why */
  if (reaps_all && !children_own_signal()) return 1;

  /* One host of memctl is opened before the program's own libxl, and one after. */
  count_open(&fds[0], &threads[0]);
  before = signals_now();
  if (!resizes_open(0)) return 1;
  now = signals_now();
  changed += differences(&before, &now);
  if (!saves_open(arguments[1], arguments[5], arguments[6])) return 1;
  before = signals_now();
  if (!resizes_open(1)) return 1;

  if (!resizes_start(arguments[3], arguments[4], atoi(arguments[2]))) return 1;
  while (resizes_run()) {
    saves_start();
    turn(true);
  }
  count_open(&fds[1], &threads[1]);

  /* Both hosts close in the middle of a save, which goes on. */
  saves_start();
  resizes_close(0);
  resizes_close(1);
  while (saves_run()) turn(true);
  while (children_run()) turn(false);
  now = signals_now();
  changed += differences(&before, &now);
  saves_close();
  wait_until_alone();
  left = waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : 1;
  count_open(&fds[2], &threads[2]);
  print(changed, left, fds, threads);
  return 0;
}
