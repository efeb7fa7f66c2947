/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's own children. They come and go all the time, and the program knows for each how it
 * has to end.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct children_figures {
  int ended;     /* each ended as it had to */
  int wrong;     /* ended in another way */
  int inherited; /* began with a file descriptor that somebody else had opened */
  int lost;      /* reaped by somebody else */
} children_figures;

/* Reaps a child that is none of the program's own. Whether it knew the child. */
typedef bool (*children_take_other)(pid_t pid, int status);

/* Installs the program's SIGCHLD handler. */
bool children_own_signal(void);
/* Readable when a child has ended; -1 without a handler. */
int children_fd(void);
/* Starts children until some run. */
void children_start(void);
/* Reaps every child that has ended. The number of children that nobody knows. */
int children_reap(children_take_other take_other);
bool children_run(void);
/* Runs one child to its end, for a program without a SIGCHLD handler. */
void children_run_one(void);
children_figures children_so_far(void);

/* What the program does as a child that was executed. Its status. */
int children_be_one(void);

#endif
