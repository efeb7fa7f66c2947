/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's own use of libxl, in its own context and in the program's event loop: it saves two
 * guests in turn and lets them go on, and looks at every domain in between. For each save libxl
 * starts a child, libxl-save-helper.
 */
#ifndef SAVES_H
#define SAVES_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

enum { saves_most_fds = 64 };

typedef struct saves_figures {
  int saves;   /* ended well, and the guest went on */
  int looks;   /* at all domains */
  int failed;  /* calls that failed */
  int started; /* children of libxl */
  int reaped;  /* children of libxl that the program reaped */
} saves_figures;

/* Opens libxl. `sigchld` is what libxl_childproc_setmode is to be told: "mainloop", "selective" or
 * "default". */
bool saves_open(const char* sigchld, const char* first, const char* second);
void saves_close(void);

/* Begins a save unless one is under way. */
void saves_start(void);
bool saves_run(void);
/* What the loop has to wait for: saves_most_fds at most. The number. */
int saves_before_poll(struct pollfd* fds, int* timeout_ms);
void saves_after_poll(const struct pollfd* fds, int count);
/* Tells libxl of a child that the program has reaped: a children_take_other. */
bool saves_take_child(pid_t pid, int status);
saves_figures saves_so_far(void);

#endif
