/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's use of memctl: two hosts at once, and two guests that are resized up and down, each
 * by both hosts in turn. Everything is called on the program's own thread, by its loop.
 */
#ifndef RESIZES_H
#define RESIZES_H

#include <memctl/memctl.h>

typedef struct resizes_figures {
  int verified;
  int refused_busy; /* by one host, while the other host was at work on that guest */
  int failed;       /* ended in any other way */
  int events;       /* progress that was told */
} resizes_figures;

/* Opens one of the two hosts: 0 or 1. */
bool resizes_open(int host);
void resizes_close(int host);
/* Begins with the first resize of each guest. They go on by themselves, `times` for each. */
bool resizes_start(const char* first, const char* second, int times);
bool resizes_run(void);
int resizes_fd(void);
void resizes_dispatch(void);
resizes_figures resizes_so_far(void);

#endif
