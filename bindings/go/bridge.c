/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bridge.h"

#include "_cgo_export.h"

static void on_log(const memctl_log_line* line, void* data) {
  memctlgoLog((uintptr_t)data, (memctl_log_line*)line);
}

static void on_event(const memctl_event* event, void* data) {
  memctlgoEvent((uintptr_t)data, (memctl_event*)event);
}

static void on_change(const memctl_change* change, void* data) {
  memctlgoChange((uintptr_t)data, (memctl_change*)change);
}

static void on_end(void* data) { memctlgoEnd((uintptr_t)data); }

memctl_error* memctlgo_open(const char* uri, const memctl_policy* policy, memctl_queue* queue,
                            uintptr_t log, memctl_host** host) {
  memctl_host_options options = {.size = sizeof options, .policy = policy};
  if (log) {
    options.on_log = on_log;
    options.log_data = (void*)log;
    options.log_queue = queue;
  }
  return memctl_host_open(uri, &options, host);
}

memctl_error* memctlgo_start_resize(memctl_domain* domain, memctl_size_kind kind, int64_t kib,
                                    const memctl_resize_options* options, memctl_queue* queue,
                                    uintptr_t events, memctl_operation** operation) {
  memctl_resize_options all = *options;
  if (events) {
    all.on_event = on_event;
    all.event_data = (void*)events;
    all.event_queue = queue;
  }
  return memctl_domain_start_resize(domain, kind, kib, &all, operation);
}

memctl_error* memctlgo_on_end(memctl_operation* operation, memctl_queue* queue,
                              uintptr_t receiver) {
  return memctl_operation_on_end(operation, queue, on_end, (void*)receiver, NULL);
}

memctl_error* memctlgo_watch(memctl_host* host, memctl_queue* queue, uintptr_t receiver,
                             memctl_watch** watch) {
  return memctl_host_watch(host, queue, on_change, (void*)receiver, NULL, watch);
}
