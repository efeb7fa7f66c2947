/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off */
/*
 * memctl's C interface, for C99 and later: resizes the memory of running Xen guests.
 *
 *     memctl_host *host = NULL;
 *     memctl_domain *domain = NULL;
 *     memctl_report *report = NULL;
 *     memctl_error *error = memctl_host_open("xen:", NULL, &host);
 *     if (!error) error = memctl_host_find(host, "web1", &domain);
 *     if (!error) error = memctl_domain_resize(domain, MEMCTL_SIZE_ABSOLUTE, 4 << 20, NULL,
 *                                              &report);
 *     if (error) fprintf(stderr, "%s\n%s\n", error->message, error->hint);
 *     memctl_error_free(error);
 *     memctl_report_free(report);
 *     memctl_host_close(host);
 *
 * Until memctl 1.0 this interface may change with each release. From 1.0 on, functions, numbers and
 * members keep their meaning; structs grow only at their end.
 *
 * ERRORS. A function that can fail returns null, or an error that memctl_error_free ends. What it
 * would have handed out is null then. Each function names its own causes. All have these:
 *   invalid_argument  a null pointer where none may be; a handle that is closed, or of another
 *                     kind, or none of the library's; a struct of a wrong size; an unknown number
 *   not_permitted     a blocking call in a callback on the host's thread; any call on a host in a
 *                     forked child, which may open a host of its own; no memory (raw is ENOMEM)
 *   MEMCTL_NO_CAUSE   a fault of memctl itself; the message tells more
 * No exception of the library leaves a function.
 *
 * HANDLES. A closed handle stays closed: its value never becomes valid again. Closing null or a
 * closed handle does nothing. A handle may be closed while another thread uses it: that call ends
 * as if the handle were open. Domains, operations and watches need not be closed before their host:
 * memctl_host_close closes them all.
 *
 * STRUCTS. Each begins with its size. In a struct that you fill in, set everything to zero and
 * `size` to sizeof; zero means the default. A struct of a newer memctl is accepted if what this
 * library does not know in it is zero. In a struct that the library hands out, a member exists if
 * it lies below `size`: an older library hands out shorter ones. Do not copy or change those. Sizes
 * are in KiB and counted as xl counts them.
 *
 * OWNERSHIP. What a function hands out through its last argument is yours until you call the
 * function that its description names. Everything inside belongs to it. What you pass in is copied
 * before the call returns, except for the data of callbacks. Its free function, if you give one,
 * is called once, on any thread, when the callback will not be called any more, also if the call
 * that takes the callback fails. Only a struct of a wrong size is an exception, because then the
 * library cannot know the function.
 *
 * THREADS. Every function may be called on every thread at any time. Those that do not block say
 * so. A callback without a queue runs on the host's thread: it must not block, and may make every
 * call that does not block. A callback with a queue runs in memctl_queue_dispatch, where it may
 * block. A C++ callback that throws harms nothing, except that a resize ends with `cancelled`, and
 * restores the guest, if its on_event throws.
 *
 * YOUR PROCESS. A host has a thread, memctl-host. "xen:" has up to eight more, memctl-libxl, and one
 * of libxenstore's own, which has the name memctl-host too. They take no signals, and have ended
 * when memctl_host_close returns, except in a callback on the host's thread. The library starts no
 * process, installs no signal handler and writes no output. Two things on "xen:" are not in its
 * hands: libxl ends the process if it gets no memory, and the libxenstore of Xen 4.17 lets the
 * whole process ignore SIGPIPE during each request. If two threads ask at once, that can stay so. A
 * program that ignores SIGPIPE itself sees no difference. The library may be unloaded once the
 * threads of all hosts have ended.
 *
 * WHAT C DOES NOT ALLOW, and nobody can catch: a pointer to memory that is not what it should be;
 * a text without its end; freeing a result twice, or using it afterwards; data that is gone before
 * its callback; longjmp out of a callback; pthread_cancel of a thread that is in a call.
 */
/* clang-format on */
#ifndef MEMCTL_MEMCTL_H
#define MEMCTL_MEMCTL_H

#include "memctl/memctl_types.h"

#ifndef MEMCTL_EXPORT
#if defined(__GNUC__)
#define MEMCTL_EXPORT __attribute__((visibility("default")))
#else
#define MEMCTL_EXPORT
#endif
#endif

#if defined(__GNUC__)
#define MEMCTL_CHECKED MEMCTL_EXPORT __attribute__((warn_unused_result))
#else
#define MEMCTL_CHECKED MEMCTL_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Names. They do not block and do not fail. The texts are static. ---- */

/* The version of the library that the program runs with, for example "0.1.0". */
MEMCTL_EXPORT const char* memctl_version(void);

/* The names as in JSON, for example "host_memory". A number without a meaning: "unknown".
 * MEMCTL_NO_CAUSE: "none". */
MEMCTL_EXPORT const char* memctl_cause_name(memctl_cause cause);
MEMCTL_EXPORT const char* memctl_domain_type_name(memctl_domain_type type);
MEMCTL_EXPORT const char* memctl_outcome_name(memctl_outcome outcome);
MEMCTL_EXPORT const char* memctl_phase_name(memctl_phase phase);
MEMCTL_EXPORT const char* memctl_check_name(memctl_check check);
MEMCTL_EXPORT const char* memctl_severity_name(memctl_severity severity);
MEMCTL_EXPORT const char* memctl_change_name(memctl_change_kind change);
MEMCTL_EXPORT const char* memctl_log_level_name(memctl_log_level level);
MEMCTL_EXPORT const char* memctl_line_kind_name(memctl_line_kind kind);

/* The cause of this name. Null, or no cause's name: MEMCTL_NO_CAUSE. */
MEMCTL_EXPORT memctl_cause memctl_cause_named(const char* name);

/* ---- What was handed out. Null is ignored. They do not block and do not fail. ---- */

MEMCTL_EXPORT void memctl_error_free(memctl_error* error);
MEMCTL_EXPORT void memctl_identity_free(memctl_identity* identity);
MEMCTL_EXPORT void memctl_identities_free(memctl_identities* identities);
MEMCTL_EXPORT void memctl_status_free(memctl_status* status);
MEMCTL_EXPORT void memctl_plan_free(memctl_plan* plan);
MEMCTL_EXPORT void memctl_findings_free(memctl_findings* findings);
MEMCTL_EXPORT void memctl_report_free(memctl_report* report);
MEMCTL_EXPORT void memctl_recovery_free(memctl_recovery* recovery);

/* ---- Sizes ---- */

/* Reads a size as xl does: a bare number is MiB, a leading sign makes it relative. Does not block.
 * Errors: invalid_size, with the accepted forms in the hint. */
MEMCTL_CHECKED memctl_error* memctl_parse_size(const char* text, memctl_size_kind* kind,
                                               int64_t* kib);

/* ---- The host ---- */

/* Opens "xen:", the host whose dom0 this program runs in, or "sim:" or "sim:FILE", a simulated one.
 * `options` may be null. memctl_host_close ends the handle. Blocks for some milliseconds. Errors:
 * no_xen, not_permitted, xen_unsupported (another release of Xen), invalid_argument (an unknown
 * kind of host, a file that describes no host, a wrong policy). */
MEMCTL_CHECKED memctl_error* memctl_host_open(const char* uri, const memctl_host_options* options,
                                              memctl_host** host);

/* Closes the host with every handle that came from it, and cancels its resizes. Blocks until they
 * are restored, and until questions and recoveries have ended; in a callback on the host's thread
 * it returns at once, and another thread waits. A thread that is in a call gets its result. If it
 * waits for an answer or a recovery, the connection ends with that call. In a forked child, only
 * the handles are closed. */
MEMCTL_EXPORT void memctl_host_close(memctl_host* host);

/* Replaces the policy; null: no bounds. Operations that have begun keep theirs. Does not block.
 * Errors: invalid_argument, which names the wrong entry; the earlier policy then stays. */
MEMCTL_CHECKED memctl_error* memctl_host_set_policy(memctl_host* host, const memctl_policy* policy);

/* All guests, by number. memctl_identities_free ends the list. Blocks for some milliseconds.
 * Errors: hypervisor_error. */
MEMCTL_CHECKED memctl_error* memctl_host_domains(memctl_host* host, memctl_identities** identities);

/* The guest with this name or number; digits mean a number, as in xl. dom0 is no guest.
 * memctl_domain_close ends the handle. Blocks for some milliseconds. Errors: no_such_domain,
 * hypervisor_error. */
MEMCTL_CHECKED memctl_error* memctl_host_find(memctl_host* host, const char* name_or_number,
                                              memctl_domain** domain);

/* The domain with an identity that a list, a report or a change gave. If it has ended, its calls
 * return no_such_domain. memctl_domain_close ends the handle. Does not block. */
MEMCTL_CHECKED memctl_error* memctl_host_domain(memctl_host* host, const memctl_identity* identity,
                                                memctl_domain** domain);

/* What is good and bad about the host itself. Reads host_reserve_kib of `options`, which may be
 * null. memctl_findings_free ends the list. Blocks for some milliseconds. Errors:
 * hypervisor_error. */
MEMCTL_CHECKED memctl_error* memctl_host_doctor(memctl_host* host,
                                                const memctl_question_options* options,
                                                memctl_findings** findings);
/* The same as an operation, whose answer memctl_operation_findings tells. Does not block. */
MEMCTL_CHECKED memctl_error* memctl_host_start_doctor(memctl_host* host,
                                                      const memctl_question_options* options,
                                                      memctl_operation** operation);

/* Tells of guests that appear, change and end, until memctl_watch_stop. Guests that run already
 * appear first. `queue` is where on_change runs; null: on the host's thread. Only what lasts is
 * told. Blocks for some milliseconds. Errors: store_error. */
MEMCTL_CHECKED memctl_error* memctl_host_watch(memctl_host* host, memctl_queue* queue,
                                               memctl_change_callback on_change, void* data,
                                               memctl_free_callback data_free,
                                               memctl_watch** watch);
/* Ends the watch and its handle. A callback that has begun on another thread may still be under
 * way, and changes that wait in a queue are still told; data_free tells when all is over. Does not
 * block. */
MEMCTL_EXPORT void memctl_watch_stop(memctl_watch* watch);

/* ---- A domain ---- */

/* Ends the handle. What was started goes on. Does not block. */
MEMCTL_EXPORT void memctl_domain_close(memctl_domain* domain);

/* Which domain it is. memctl_identity_free ends it. Does not block. */
MEMCTL_CHECKED memctl_error* memctl_domain_identity(memctl_domain* domain,
                                                    memctl_identity** identity);

/* The domain and its agent, asked now. `options` may be null. memctl_status_free ends it. Blocks
 * for some milliseconds, or for up to 5 s if an agent no longer answers. Errors: no_such_domain,
 * stalled, store_error, hypervisor_error. */
MEMCTL_CHECKED memctl_error* memctl_domain_status(memctl_domain* domain,
                                                  const memctl_question_options* options,
                                                  memctl_status** status);
/* What is good and bad about the domain and its guest. memctl_findings_free ends the list. Blocks
 * and fails like memctl_domain_status. */
MEMCTL_CHECKED memctl_error* memctl_domain_doctor(memctl_domain* domain,
                                                  const memctl_question_options* options,
                                                  memctl_findings** findings);
/* What memctl_domain_resize would do. Changes nothing. memctl_plan_free ends it. Blocks like
 * memctl_domain_status. Errors: every cause for which a resize is refused. */
MEMCTL_CHECKED memctl_error* memctl_domain_plan(memctl_domain* domain, memctl_size_kind kind,
                                                int64_t kib, const memctl_question_options* options,
                                                memctl_plan** plan);
/* Resizes the domain. Blocks until the operation has ended, which may take minutes. Returns the
 * report of a verified resize, which memctl_report_free ends. Otherwise the error has the report.
 * Errors: every cause. */
MEMCTL_CHECKED memctl_error* memctl_domain_resize(memctl_domain* domain, memctl_size_kind kind,
                                                  int64_t kib, const memctl_resize_options* options,
                                                  memctl_report** report);
/* Restores what a resize left whose process died. Reads stall_ms, online, host_reserve_kib and the
 * event members of `options`, which may be null. memctl_recovery_free ends the answer. Blocks for
 * milliseconds if nothing was left, otherwise until the guest has given its memory back. Errors:
 * those of Domain::recover in memctl/domain.hpp. */
MEMCTL_CHECKED memctl_error* memctl_domain_recover(memctl_domain* domain,
                                                   const memctl_resize_options* options,
                                                   memctl_recovery** recovery);

/* The same five as operations that begin now. memctl_operation_close ends the handle. They do not
 * block; the operation has the errors. Start several first and wait then: guests that do not answer
 * take 5 s together. */
MEMCTL_CHECKED memctl_error* memctl_domain_start_status(memctl_domain* domain,
                                                        const memctl_question_options* options,
                                                        memctl_operation** operation);
MEMCTL_CHECKED memctl_error* memctl_domain_start_doctor(memctl_domain* domain,
                                                        const memctl_question_options* options,
                                                        memctl_operation** operation);
MEMCTL_CHECKED memctl_error* memctl_domain_start_plan(memctl_domain* domain, memctl_size_kind kind,
                                                      int64_t kib,
                                                      const memctl_question_options* options,
                                                      memctl_operation** operation);
MEMCTL_CHECKED memctl_error* memctl_domain_start_resize(memctl_domain* domain,
                                                        memctl_size_kind kind, int64_t kib,
                                                        const memctl_resize_options* options,
                                                        memctl_operation** operation);
MEMCTL_CHECKED memctl_error* memctl_domain_start_recovery(memctl_domain* domain,
                                                          const memctl_resize_options* options,
                                                          memctl_operation** operation);

/* ---- An operation ---- */

/* Ends the handle. The operation goes on. Does not block. */
MEMCTL_EXPORT void memctl_operation_close(memctl_operation* operation);

/* Whether the operation has ended: then nothing below blocks. Does not block. */
MEMCTL_CHECKED memctl_error* memctl_operation_done(memctl_operation* operation, bool* done);

/* Blocks until the operation has ended, and returns its error, or null if it ended well: at every
 * call the same. */
MEMCTL_CHECKED memctl_error* memctl_operation_wait(memctl_operation* operation);

/* Blocks until the operation has ended, but for `milliseconds` at most. `done` tells whether it has
 * ended; then the error is the operation's own. */
MEMCTL_CHECKED memctl_error* memctl_operation_wait_for(memctl_operation* operation,
                                                       int64_t milliseconds, bool* done);

/* Blocks until the operation has ended, and hands out its answer: a new one at every call. Each is
 * for one kind of operation; another kind is invalid_argument. Errors: the operation's. */
MEMCTL_CHECKED memctl_error* memctl_operation_status(memctl_operation* operation,
                                                     memctl_status** status);
MEMCTL_CHECKED memctl_error* memctl_operation_findings(memctl_operation* operation,
                                                       memctl_findings** findings);
MEMCTL_CHECKED memctl_error* memctl_operation_plan(memctl_operation* operation, memctl_plan** plan);
MEMCTL_CHECKED memctl_error* memctl_operation_report(memctl_operation* operation,
                                                     memctl_report** report);
MEMCTL_CHECKED memctl_error* memctl_operation_recovery(memctl_operation* operation,
                                                       memctl_recovery** recovery);

/* Asks a resize to end with `cancelled`. How it ended, its answer tells. Does not block. Errors:
 * invalid_argument if it is no resize, because nothing else can be cancelled. */
MEMCTL_CHECKED memctl_error* memctl_operation_cancel(memctl_operation* operation);

/* Calls on_end once when the operation has ended, or soon if it has ended already. `queue` is where
 * it runs; null: on the host's thread. Does not block. */
MEMCTL_CHECKED memctl_error* memctl_operation_on_end(memctl_operation* operation,
                                                     memctl_queue* queue,
                                                     memctl_end_callback on_end, void* data,
                                                     memctl_free_callback data_free);

/* ---- Callbacks in an event loop ---- */

/* A queue for any number of hosts and operations. The loop waits until memctl_queue_fd is readable
 * and then calls memctl_queue_dispatch. memctl_queue_close ends the handle. Does not block. Errors:
 * not_permitted if the process may have no more file descriptors. */
MEMCTL_CHECKED memctl_error* memctl_queue_open(memctl_queue** queue);

/* Readable, in the sense of poll(), while a callback waits. Only poll it; it belongs to the queue.
 * -1: the handle is null or closed. Does not block. */
MEMCTL_EXPORT int memctl_queue_fd(memctl_queue* queue);

/* Runs the callbacks that wait, in their order, on this thread. Does not wait for any. `called`,
 * which may be null, tells how many there were; if one threw, 0. In a forked child there are none.
 * If events of one phase come faster than they are dispatched, only the newest waits. Errors:
 * MEMCTL_NO_CAUSE if a C++ callback threw; the callbacks behind it wait for the next call. */
MEMCTL_CHECKED memctl_error* memctl_queue_dispatch(memctl_queue* queue, size_t* called);

/* Closes the file descriptor, at once or as soon as a thread that just adds a callback has done so:
 * take it out of the loop first. No callback of the queue is called any more, except that a call of
 * memctl_queue_dispatch that is under way finishes. Does not block. */
MEMCTL_EXPORT void memctl_queue_close(memctl_queue* queue);

#ifdef __cplusplus
}
#endif

#endif
