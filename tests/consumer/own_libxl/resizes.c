/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resizes.h"

#include <stdio.h>
#include <stdlib.h>

enum { guest_count = 2, small_kib = 256 << 10, large_kib = 448 << 10 };

typedef struct guest {
  memctl_domain* by[2]; /* the same domain, by each host */
  int left;             /* how many resizes are to come, with the one under way */
  memctl_operation* resize;
  memctl_operation* rival; /* the same, asked of the other host in the middle of the resize */
  bool had_rival;
} guest;

static memctl_queue* queue = NULL;
static memctl_host* hosts[2];
static guest guests[guest_count];
static resizes_figures figures;

static bool good(memctl_error* error) {
  if (!error) return true;
  fprintf(stderr, "%s: %s\n%s\n", memctl_cause_name(error->cause), error->message, error->hint);
  memctl_error_free(error);
  ++figures.failed;
  return false;
}

bool resizes_open(int host) {
  if (!queue && !good(memctl_queue_open(&queue))) return false;
  return good(memctl_host_open("xen:", NULL, &hosts[host]));
}

void resizes_close(int host) {
  memctl_host_close(hosts[host]);
  hosts[host] = NULL;
  if (hosts[1 - host]) return;
  memctl_queue_close(queue);
  queue = NULL;
}

static int64_t wanted(const guest* of) { return of->left % 2 == 0 ? large_kib : small_kib; }
static int host_of(const guest* of) { return of->left / 2 % 2; }

static void next(guest* of);

static void rival_ended(void* data) {
  guest* of = data;
  memctl_error* error = memctl_operation_wait(of->rival);
  memctl_operation_close(of->rival);
  of->rival = NULL;
  if (error && error->cause == MEMCTL_CAUSE_BUSY) {
    ++figures.refused_busy;
    memctl_error_free(error);
  } else { /* null: the other host's resize had ended, so there was nothing to do */
    good(error);
  }
  if (!of->resize) next(of);
}

static void progress(const memctl_event* event, void* data) {
  guest* of = data;
  memctl_domain* other = of->by[1 - host_of(of)];
  ++figures.events;
  if (event->phase != MEMCTL_PHASE_POPULATE || of->had_rival) return;
  of->had_rival = true;
  if (!good(
          memctl_domain_start_resize(other, MEMCTL_SIZE_ABSOLUTE, wanted(of), NULL, &of->rival))) {
    return;
  }
  if (!good(memctl_operation_on_end(of->rival, queue, rival_ended, of, NULL))) of->rival = NULL;
}

static void resize_ended(void* data) {
  guest* of = data;
  memctl_report* report = NULL;
  const bool ended_well = good(memctl_operation_report(of->resize, &report));
  memctl_operation_close(of->resize);
  of->resize = NULL;
  if (ended_well && report->outcome == MEMCTL_OUTCOME_VERIFIED &&
      llabs(report->reached_kib - wanted(of)) <= 1024) {
    ++figures.verified;
  } else if (ended_well) {
    ++figures.failed;
  }
  memctl_report_free(report);
  --of->left;
  if (!of->rival) next(of); /* a rival that came too late may be at work */
}

static void next(guest* of) {
  memctl_resize_options options = {.size = sizeof options};
  if (of->left == 0) return;
  of->had_rival = false;
  options.on_event = progress;
  options.event_data = of;
  options.event_queue = queue;
  if (!good(memctl_domain_start_resize(of->by[host_of(of)], MEMCTL_SIZE_ABSOLUTE, wanted(of),
                                       &options, &of->resize))) {
    of->left = 0;
  } else if (!good(memctl_operation_on_end(of->resize, queue, resize_ended, of, NULL))) {
    of->left = 0;
  }
}

bool resizes_start(const char* first, const char* second, int times) {
  const char* const names[guest_count] = {first, second};
  int i = 0;
  int host = 0;
  for (i = 0; i < guest_count; ++i) {
    for (host = 0; host < 2; ++host) {
      if (!good(memctl_host_find(hosts[host], names[i], &guests[i].by[host]))) return false;
    }
    guests[i].left = times;
    next(&guests[i]);
  }
  return true;
}

bool resizes_run(void) {
  int i = 0;
  for (i = 0; i < guest_count; ++i) {
    if (guests[i].left > 0 || guests[i].rival) return true;
  }
  return false;
}

int resizes_fd(void) { return memctl_queue_fd(queue); }

void resizes_dispatch(void) { (void)good(memctl_queue_dispatch(queue, NULL)); }

resizes_figures resizes_so_far(void) { return figures; }
