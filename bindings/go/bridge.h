/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Go cannot hand to C by itself: callbacks. Their data is the number of a receiver (see
 * receivers.go) and no address, because C must not keep an address of Go's.
 */
#ifndef MEMCTL_BRIDGE_H
#define MEMCTL_BRIDGE_H

#include <memctl/memctl.h>

/* memctl_host_open. log: the receiver of the log's lines; 0: there is none. */
memctl_error* memctlgo_open(const char* uri, const memctl_policy* policy, memctl_queue* queue,
                            uintptr_t log, memctl_host** host);

/* memctl_domain_start_resize. events: the receiver of the events; 0: there is none. */
memctl_error* memctlgo_start_resize(memctl_domain* domain, memctl_size_kind kind, int64_t kib,
                                    const memctl_resize_options* options, memctl_queue* queue,
                                    uintptr_t events, memctl_operation** operation);

/* memctl_operation_on_end */
memctl_error* memctlgo_on_end(memctl_operation* operation, memctl_queue* queue, uintptr_t receiver);

/* memctl_host_watch */
memctl_error* memctlgo_watch(memctl_host* host, memctl_queue* queue, uintptr_t receiver,
                             memctl_watch** watch);

#endif
