/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A C99 program that uses the C interface as an embedding program would. Ends with 0 if all is as
 * it should be.
 *
 *     use HOST DOMAIN
 */
#include <memctl/memctl.h>
#include <stdio.h>
#include <string.h>

static int faults = 0;

static void expect(int good, const char* what, int line) {
  if (good) return;
  fprintf(stderr, "line %d: not so: %s\n", line, what);
  ++faults;
}
#define EXPECT(what) expect((what) ? 1 : 0, #what, __LINE__)

static void expect_good(memctl_error* error, int line) {
  if (!error) return;
  fprintf(stderr, "line %d: %s: %s\n", line, memctl_cause_name(error->cause), error->message);
  ++faults;
  memctl_error_free(error);
}
#define GOOD(call) expect_good((call), __LINE__)

static void expect_cause(memctl_error* error, memctl_cause cause, int line) {
  if (!error || error->cause != cause) {
    fprintf(stderr, "line %d: %s instead of %s\n", line,
            error ? memctl_cause_name(error->cause) : "no error", memctl_cause_name(cause));
    ++faults;
  }
  memctl_error_free(error);
}
#define FAILS(call, cause) expect_cause((call), (cause), __LINE__)

static void count(void* data) { ++*(int*)data; }
static void count_line(const memctl_log_line* line, void* data) {
  EXPECT(line->size >= sizeof *line && line->message[0] != '\0');
  ++*(int*)data;
}
static void count_event(const memctl_event* event, void* data) {
  EXPECT(event->size >= sizeof *event && event->elapsed_ms >= 0);
  ++*(int*)data;
}
static void count_change(const memctl_change* change, void* data) {
  EXPECT(change->change <= MEMCTL_CHANGE_CHANGED && change->domain->name[0] != '\0');
  ++*(int*)data;
}

static void names_and_sizes(void) {
  memctl_size_kind kind = MEMCTL_SIZE_ABSOLUTE;
  int64_t kib = 0;
  EXPECT(memctl_version()[0] != '\0');
  EXPECT(strcmp(memctl_cause_name(MEMCTL_CAUSE_HOST_MEMORY), "host_memory") == 0);
  EXPECT(strcmp(memctl_cause_name(999), "unknown") == 0);
  EXPECT(memctl_cause_named("hypervisor_error") == MEMCTL_CAUSE_HYPERVISOR_ERROR);
  EXPECT(memctl_cause_named("luck") == MEMCTL_NO_CAUSE);
  GOOD(memctl_parse_size("-512m", &kind, &kib));
  EXPECT(kind == MEMCTL_SIZE_RELATIVE && kib == -512 * 1024);
  FAILS(memctl_parse_size("much", &kind, &kib), MEMCTL_CAUSE_INVALID_SIZE);
}

static void ask(memctl_host* host, memctl_domain* domain) {
  memctl_identities* all = NULL;
  memctl_identity* identity = NULL;
  memctl_domain* same = NULL;
  memctl_status* status = NULL;
  memctl_findings* findings = NULL;
  memctl_plan* plan = NULL;
  memctl_recovery* recovery = NULL;
  GOOD(memctl_host_domains(host, &all));
  EXPECT(all && all->count > 0 && all->identities[0]->name[0] != '\0');
  GOOD(memctl_domain_identity(domain, &identity));
  GOOD(memctl_host_domain(host, identity, &same));
  GOOD(memctl_domain_status(same, NULL, &status));
  EXPECT(status && status->allocated_kib > 0 && status->range && status->agent);
  EXPECT(status && strcmp(status->domain->name, identity->name) == 0);
  GOOD(memctl_domain_doctor(domain, NULL, &findings));
  EXPECT(findings && findings->count > 5 && findings->findings[0]->message[0] != '\0');
  GOOD(memctl_domain_plan(domain, MEMCTL_SIZE_RELATIVE, 256 * 1024, NULL, &plan));
  EXPECT(plan && plan->stage_count > 0 && plan->to_kib - plan->from_kib == 256 * 1024);
  GOOD(memctl_domain_recover(domain, NULL, &recovery));
  EXPECT(recovery && !recovery->report);
  memctl_recovery_free(recovery);
  memctl_plan_free(plan);
  memctl_findings_free(findings);
  memctl_status_free(status);
  memctl_domain_close(same);
  memctl_identity_free(identity);
  memctl_identities_free(all);
}

static void resize(memctl_domain* domain) {
  int events = 0;
  int freed = 0;
  memctl_report* report = NULL;
  memctl_error* error = NULL;
  memctl_resize_options options = {.size = sizeof options};
  options.on_event = count_event;
  options.event_data = &events;
  GOOD(memctl_domain_resize(domain, MEMCTL_SIZE_RELATIVE, 256 * 1024, &options, &report));
  EXPECT(report && report->outcome == MEMCTL_OUTCOME_VERIFIED && report->phase_count > 0);
  EXPECT(report && report->reached_kib - report->from_kib == 256 * 1024);
  EXPECT(events > 0);
  memctl_report_free(report);
  options.on_event = NULL;
  options.event_data = &freed;
  options.event_data_free = count;
  error = memctl_domain_resize(domain, MEMCTL_SIZE_ABSOLUTE, 1024, &options, &report);
  EXPECT(error && error->cause == MEMCTL_CAUSE_BELOW_FLOOR && error->range && !report);
  EXPECT(error && error->nearest_kib == error->range->smallest_kib && error->hint[0] != '\0');
  memctl_error_free(error);
  EXPECT(freed == 1);
}

static void start(memctl_domain* domain) {
  bool done = false;
  memctl_operation* operation = NULL;
  memctl_operation* question = NULL;
  memctl_report* report = NULL;
  memctl_status* status = NULL;
  GOOD(memctl_domain_start_status(domain, NULL, &question));
  GOOD(memctl_domain_start_resize(domain, MEMCTL_SIZE_RELATIVE, 64 * 1024, NULL, &operation));
  FAILS(memctl_operation_report(question, &report), MEMCTL_CAUSE_INVALID_ARGUMENT);
  FAILS(memctl_operation_cancel(question), MEMCTL_CAUSE_INVALID_ARGUMENT);
  GOOD(memctl_operation_wait_for(question, 600000, &done));
  GOOD(memctl_operation_status(question, &status));
  EXPECT(done && status);
  GOOD(memctl_operation_wait(operation));
  GOOD(memctl_operation_done(operation, &done));
  GOOD(memctl_operation_report(operation, &report));
  EXPECT(done && report && report->outcome == MEMCTL_OUTCOME_VERIFIED);
  memctl_report_free(report);
  memctl_status_free(status);
  memctl_operation_close(question);
  memctl_operation_close(operation);
}

int main(int count, char** arguments) {
  int lines = 0;
  int changes = 0;
  size_t called = 0;
  memctl_queue* queue = NULL;
  memctl_host* host = NULL;
  memctl_domain* domain = NULL;
  memctl_watch* watch = NULL;
  memctl_identities* all = NULL;
  memctl_domain_policy bound = {.size = sizeof bound};
  const memctl_domain_policy* const bounds[] = {&bound};
  memctl_policy policy = {.size = sizeof policy};
  memctl_host_options options = {.size = sizeof options};
  bound.name = "nobody*";
  bound.maximum_kib = 1 << 20;
  policy.domain_count = 1;
  policy.domains = bounds;
  if (count != 3) return 2;
  names_and_sizes();
  GOOD(memctl_queue_open(&queue));
  EXPECT(memctl_queue_fd(queue) >= 0);
  options.policy = &policy;
  options.on_log = count_line;
  options.log_data = &lines;
  options.log_queue = queue;
  GOOD(memctl_host_open(arguments[1], &options, &host));
  GOOD(memctl_host_set_policy(host, NULL));
  GOOD(memctl_host_domains(host, &all));
  GOOD(memctl_host_find(host, arguments[2], &domain));
  FAILS(memctl_host_find(host, "nobody", &domain), MEMCTL_CAUSE_NO_SUCH_DOMAIN);
  EXPECT(!domain);
  GOOD(memctl_host_find(host, arguments[2], &domain));
  GOOD(memctl_host_watch(host, queue, count_change, &changes, NULL, &watch));
  ask(host, domain);
  resize(domain);
  start(domain);
  GOOD(memctl_queue_dispatch(queue, &called));
  EXPECT(lines > 0 && all && changes >= (int)all->count && called == (size_t)(lines + changes));
  memctl_watch_stop(watch);
  memctl_identities_free(all);
  memctl_host_close(host);
  FAILS(memctl_domain_resize(domain, MEMCTL_SIZE_RELATIVE, 0, NULL, NULL),
        MEMCTL_CAUSE_INVALID_ARGUMENT);
  memctl_queue_close(queue);
  return faults == 0 ? 0 : 1;
}
