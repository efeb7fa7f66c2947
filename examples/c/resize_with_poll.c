/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Resizes a guest in a program's own event loop: callbacks wake poll(), and run in it.
 *
 *     resize_with_poll sim: web1 1g
 *
 * The loop also waits for its standard input: a line there cancels the resize, which then restores.
 */
#include <inttypes.h>
#include <memctl/memctl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* A callback of the host, on the loop's own thread: it may block and call anything. */
static void show(const memctl_event* event, void* data) {
  (void)data;
  if (event->to_kib == 0) return; /* nothing is known yet */
  printf("%6" PRId64 " ms  %-8s %" PRId64 " MiB of %" PRId64 " MiB\n", event->elapsed_ms,
         memctl_phase_name(event->phase), event->now_kib / 1024, event->to_kib / 1024);
}

static void end(void* data) { *(bool*)data = true; }

/* Waits until a callback or a line of the user is there, and serves it. */
static memctl_error* turn(memctl_queue* queue, memctl_operation* operation, bool* asked) {
  struct pollfd ready[] = {{memctl_queue_fd(queue), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  char typed[256];
  if (poll(ready, *asked ? 1 : 2, -1) < 0) return NULL; /* a signal: the next turn waits again */
  if (ready[0].revents) {
    memctl_error* error = memctl_queue_dispatch(queue, NULL);
    if (error) return error;
  }
  if (*asked || !ready[1].revents) return NULL;
  *asked = true; /* at its end, the input has nothing more to say */
  return read(STDIN_FILENO, typed, sizeof typed) > 0 ? memctl_operation_cancel(operation) : NULL;
}

static memctl_error* run(char** arguments, memctl_queue* queue, memctl_host** host) {
  memctl_size_kind kind = MEMCTL_SIZE_ABSOLUTE;
  int64_t kib = 0;
  memctl_domain* domain = NULL;
  memctl_operation* operation = NULL;
  memctl_report* report = NULL;
  bool ended = false;
  bool asked = false;
  memctl_resize_options options = {.size = sizeof options};
  memctl_error* error = memctl_parse_size(arguments[3], &kind, &kib);
  options.on_event = show;
  options.event_queue = queue;
  if (!error) error = memctl_host_open(arguments[1], NULL, host);
  if (!error) error = memctl_host_find(*host, arguments[2], &domain);
  if (!error) error = memctl_domain_start_resize(domain, kind, kib, &options, &operation);
  if (!error) error = memctl_operation_on_end(operation, queue, end, &ended, NULL);
  while (!error && !ended) error = turn(queue, operation, &asked);
  if (!error) error = memctl_operation_report(operation, &report); /* it has ended: no waiting */
  if (report) {
    printf("%s has %" PRId64 " MiB (%s)\n", report->domain->name, report->reached_kib / 1024,
           memctl_outcome_name(report->outcome));
  }
  memctl_report_free(report);
  return error;
}

int main(int count, char** arguments) {
  memctl_queue* queue = NULL;
  memctl_host* host = NULL;
  memctl_error* error = NULL;
  if (count != 4) {
    fprintf(stderr, "usage: %s HOST DOMAIN SIZE\n", arguments[0]);
    return 2;
  }
  error = memctl_queue_open(&queue);
  if (!error) error = run(arguments, queue, &host);
  if (error) {
    fprintf(stderr, "%s\n%s\n", error->message, error->hint);
  }
  memctl_host_close(host); /* and with it every handle that came from it */
  memctl_queue_close(queue);
  count = error ? 1 : 0;
  memctl_error_free(error);
  return count;
}
