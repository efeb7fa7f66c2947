/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The numbers and structs of memctl's C interface. Include memctl/memctl.h, which is the manual.
 */
#ifndef MEMCTL_MEMCTL_TYPES_H
#define MEMCTL_MEMCTL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers. A number keeps its meaning; new ones go to the end. memctl_..._name tells their names.
 */

/* Why a request was refused or failed. What each means: memctl/cause.hpp. */
typedef int32_t memctl_cause;
enum {
  /* A report: it was verified. An error: a fault of memctl itself, or a callback that threw. */
  MEMCTL_NO_CAUSE = 0,
  MEMCTL_CAUSE_NO_XEN = 1,
  MEMCTL_CAUSE_NO_SUCH_DOMAIN = 2,
  MEMCTL_CAUSE_INVALID_SIZE = 3,
  MEMCTL_CAUSE_INVALID_ARGUMENT = 4,
  MEMCTL_CAUSE_BELOW_FLOOR = 5,
  MEMCTL_CAUSE_BELOW_POLICY = 6,
  MEMCTL_CAUSE_ABOVE_POLICY = 7,
  MEMCTL_CAUSE_NOT_PERMITTED = 8,
  MEMCTL_CAUSE_BUSY = 9,
  MEMCTL_CAUSE_HOST_MEMORY = 10,
  MEMCTL_CAUSE_PAGING_POOL = 11,
  MEMCTL_CAUSE_XEN_UNSUPPORTED = 12,
  MEMCTL_CAUSE_HVM_EMULATED_DEVICES = 13,
  MEMCTL_CAUSE_PASSTHROUGH = 14,
  MEMCTL_CAUSE_POPULATE_ON_DEMAND = 15,
  MEMCTL_CAUSE_AGENT_ABSENT = 16,
  MEMCTL_CAUSE_AGENT_INCOMPATIBLE = 17,
  MEMCTL_CAUSE_GUEST_NO_HOTPLUG = 18,
  MEMCTL_CAUSE_GUEST_KERNEL_FAULT = 19,
  MEMCTL_CAUSE_ADDRESS_LIMIT = 20,
  MEMCTL_CAUSE_BLOCK_SIZE = 21,
  MEMCTL_CAUSE_GUEST_OFFLINE_BLOCKS = 22,
  MEMCTL_CAUSE_GUEST_MEMMAP = 23,
  MEMCTL_CAUSE_GUEST_BALLOON_GAVE_UP = 24,
  MEMCTL_CAUSE_GUEST_PRESSURE = 25,
  MEMCTL_CAUSE_GUEST_REBOOTED = 26,
  MEMCTL_CAUSE_STALLED = 27,
  MEMCTL_CAUSE_DOMAIN_GONE = 28,
  MEMCTL_CAUSE_DOMAIN_PAUSED = 29,
  MEMCTL_CAUSE_DOMAIN_MIGRATING = 30,
  MEMCTL_CAUSE_SUPERSEDED = 31,
  MEMCTL_CAUSE_DEADLINE = 32,
  MEMCTL_CAUSE_CANCELLED = 33,
  MEMCTL_CAUSE_JOURNAL_DAMAGED = 34,
  MEMCTL_CAUSE_STORE_ERROR = 35,
  MEMCTL_CAUSE_HYPERVISOR_ERROR = 36
};

typedef int32_t memctl_domain_type;
enum { MEMCTL_DOMAIN_PV = 0, MEMCTL_DOMAIN_PVH = 1, MEMCTL_DOMAIN_HVM = 2 };

/* How a resize ended: memctl/report.hpp. */
typedef int32_t memctl_outcome;
enum {
  MEMCTL_OUTCOME_VERIFIED = 0,
  MEMCTL_OUTCOME_REFUSED = 1,
  MEMCTL_OUTCOME_RESTORED = 2,
  MEMCTL_OUTCOME_KEPT = 3,
  MEMCTL_OUTCOME_SUPERSEDED = 4,
  MEMCTL_OUTCOME_FAILED = 5,
  MEMCTL_OUTCOME_GONE = 6
};

typedef int32_t memctl_phase;
enum {
  MEMCTL_PHASE_FACTS = 0,
  MEMCTL_PHASE_RESERVE = 1,
  MEMCTL_PHASE_ONLINE = 2,
  MEMCTL_PHASE_POPULATE = 3,
  MEMCTL_PHASE_VERIFY = 4,
  MEMCTL_PHASE_RESTORE = 5
};

/* A precondition that the doctor looks at. What is good: memctl/doctor.hpp. */
typedef int32_t memctl_check;
enum {
  MEMCTL_CHECK_XEN_VERSION = 0,
  MEMCTL_CHECK_HOST_RESERVE = 1,
  MEMCTL_CHECK_HOST_CLAIMS = 2,
  MEMCTL_CHECK_AUTOBALLOON = 3,
  MEMCTL_CHECK_STATE = 4,
  MEMCTL_CHECK_STORED_CONFIGURATION = 5,
  MEMCTL_CHECK_LEFTOVER = 6,
  MEMCTL_CHECK_CLAIMS = 7,
  MEMCTL_CHECK_LIBVIRT = 8,
  MEMCTL_CHECK_PASSTHROUGH = 9,
  MEMCTL_CHECK_EMULATED_DEVICES = 10,
  MEMCTL_CHECK_PAGING_POOL = 11,
  MEMCTL_CHECK_FROZEN_POOL = 12,
  MEMCTL_CHECK_POPULATE_ON_DEMAND = 13,
  MEMCTL_CHECK_AGENT = 14,
  MEMCTL_CHECK_AGENT_VERSION = 15,
  MEMCTL_CHECK_HOTPLUG = 16,
  MEMCTL_CHECK_KERNEL = 17,
  MEMCTL_CHECK_ONLINE_POLICY = 18,
  MEMCTL_CHECK_UDEV_RULE = 19,
  MEMCTL_CHECK_MEMORY_BLOCKS = 20,
  MEMCTL_CHECK_REBOOT = 21,
  MEMCTL_CHECK_MAX_PAGES = 22,
  MEMCTL_CHECK_COLD_START = 23,
  MEMCTL_CHECK_MEMORY_MANAGER = 24,
  MEMCTL_CHECK_XENSTORED = 25
};

typedef int32_t memctl_severity;
enum {
  MEMCTL_SEVERITY_GOOD = 0,
  MEMCTL_SEVERITY_NOTE = 1,
  MEMCTL_SEVERITY_BAD = 2,
  MEMCTL_SEVERITY_UNKNOWN = 3
};

typedef int32_t memctl_change_kind;
enum { MEMCTL_CHANGE_APPEARED = 0, MEMCTL_CHANGE_CHANGED = 1, MEMCTL_CHANGE_ENDED = 2 };

typedef int32_t memctl_log_level;
enum { MEMCTL_LOG_DEBUG = 0, MEMCTL_LOG_INFO = 1, MEMCTL_LOG_WARNING = 2 };

/* What a line of the log tells: memctl/log.hpp. */
typedef int32_t memctl_line_kind;
enum { MEMCTL_LINE_OTHER = 0, MEMCTL_LINE_RESIZE_ENDED = 1, MEMCTL_LINE_RECOVERY_ENDED = 2 };

/* How the `kib` of a request is meant. */
typedef int32_t memctl_size_kind;
enum {
  MEMCTL_SIZE_ABSOLUTE = 0,
  MEMCTL_SIZE_RELATIVE = 1 /* to the domain's present target; negative to shrink */
};

/* What happens if a resize cannot be finished. */
typedef int32_t memctl_on_failure;
enum { MEMCTL_ON_FAILURE_RESTORE = 0, MEMCTL_ON_FAILURE_KEEP = 1 };

/* The zone that added memory goes to. */
typedef int32_t memctl_online_zone;
enum { MEMCTL_ZONE_KERNEL = 0, MEMCTL_ZONE_MOVABLE = 1 };

/* Where the memory of a growth may lie on a host with several NUMA nodes: memctl/numa.hpp. */
typedef int32_t memctl_numa;
enum {
  MEMCTL_NUMA_ANY = 0,
  MEMCTL_NUMA_LOCAL = 1 /* refused unless the forecast says that all lies on the domain's nodes */
};

/* An amount in KiB that is not known, or that does not exist. */
#define MEMCTL_UNKNOWN INT64_C(-1)
/* In host_reserve_kib of a call's options: no host memory has to stay free. */
#define MEMCTL_NO_RESERVE INT64_C(-1)

/* Handles. Their value is a number that the library never uses again, not an address. */
typedef struct memctl_host memctl_host;           /* a connection to one Xen host */
typedef struct memctl_domain memctl_domain;       /* one life of a domain */
typedef struct memctl_operation memctl_operation; /* a resize, recovery or question under way */
typedef struct memctl_watch memctl_watch;         /* tells of guests that come, go and change */
typedef struct memctl_queue memctl_queue;         /* brings callbacks into an event loop */

/* What the library hands out. It owns every pointer inside; texts are never null. */

/* Which domain: Xen's numbers wrap and names change hands, so the UUID tells. */
typedef struct memctl_identity {
  size_t size;
  uint32_t id;
  memctl_domain_type type;
  const char* name;
  const char* uuid; /* as "xl list -v" prints it; empty: not known */
} memctl_identity;

typedef struct memctl_identities {
  size_t size;
  size_t count;
  const memctl_identity* const* identities;
} memctl_identities;

/* The sizes that a resize would be granted now. */
typedef struct memctl_range {
  size_t size;
  int64_t smallest_kib;
  int64_t largest_kib;
  memctl_cause smallest_cause; /* why a resize past this end would be refused */
  memctl_cause largest_cause;
  const char* smallest_reason; /* the cause in words; a guest may have written parts of it */
  const char* largest_reason;
  int64_t step_kib; /* above step_from_kib, sizes go in multiples of step_kib from there */
  int64_t step_from_kib;
} memctl_range;

typedef struct memctl_phase_time {
  size_t size;
  memctl_phase phase;
  int64_t spent_ms;
} memctl_phase_time;

/* Where the memory of a growth would lie. */
typedef struct memctl_numa_forecast {
  size_t size;
  size_t node_count;    /* 0: not known */
  const int32_t* nodes; /* the domain's own, from which Xen takes its memory first */
  int64_t local_kib;    /* the part of the growth that would lie on them, or MEMCTL_UNKNOWN */
} memctl_numa_forecast;

typedef struct memctl_node_change {
  size_t size;
  int32_t node;
  int64_t free_kib; /* negative: less is free than before */
} memctl_node_change;

/* How the free memory of the host's NUMA nodes changed while an operation ran. An estimate:
 * whatever else took or freed memory meanwhile is in it. */
typedef struct memctl_numa_estimate {
  size_t size;
  size_t node_count;    /* 0: not known */
  const int32_t* nodes; /* the domain's own */
  size_t change_count;
  const memctl_node_change* const* changes;
  int64_t local_kib; /* what seems to lie on them of a growth; MEMCTL_UNKNOWN: none, or not known */
} memctl_numa_estimate;

/* What a resize did, however it ended. The host measured every figure but guest_total_kib,
 * residual_kib, verified_blocks and verified_guest_total, which the guest claims. */
typedef struct memctl_report {
  size_t size;
  memctl_outcome outcome;
  memctl_cause cause;  /* MEMCTL_NO_CAUSE if verified */
  const char* message; /* the error's; empty if verified */
  const char* hint;
  const memctl_identity* domain;
  int64_t from_kib;        /* the size before */
  int64_t requested_kib;   /* the absolute size that was asked for */
  int64_t reached_kib;     /* the size now, by Xen's page count */
  int64_t guest_total_kib; /* the guest's MemTotal, or MEMCTL_UNKNOWN */
  int64_t limit_kib;       /* how far the target may go now */
  int64_t pool_kib;        /* the paging pool; MEMCTL_UNKNOWN: a pv domain has none */
  int32_t stages;          /* how many were begun */
  bool verified_xen;       /* which layers confirmed the result */
  bool verified_blocks;
  bool verified_guest_total;
  int64_t elapsed_ms;
  int64_t residual_kib; /* guest memory that describes blocks whose memory was given back */
  size_t phase_count;
  const memctl_phase_time* const* phases;
  const memctl_numa_estimate* numa_estimate; /* null: one NUMA node, no change, or not known */
} memctl_report;

/* What went wrong. memctl_error_free ends its life. */
typedef struct memctl_error {
  size_t size;
  memctl_cause cause;
  bool has_raw;
  int32_t raw;               /* the failing call's own code: libxl's, or an errno */
  const char* message;       /* one line, with figures; a guest may have written parts of it */
  const char* hint;          /* what a person can do; empty: there is none */
  const memctl_range* range; /* the sizes that would be granted; null: the size was no matter */
  int64_t nearest_kib;       /* the nearest size that would be granted, or MEMCTL_UNKNOWN */
  size_t log_count;
  const char* const* log;      /* what libxl logged during the failing call, oldest first */
  const memctl_report* report; /* null unless a resize had begun */
} memctl_error;

/* What the guest's agent says about itself. */
typedef struct memctl_agent {
  size_t size;
  const char* version;
  const char* kernel_release;
  int64_t block_size_kib;
} memctl_agent;

/* A domain at one moment. The host measured every figure, but the guest claims `agent` and what
 * begins with reported_. Sizes are counted as xl counts them, with video RAM. */
typedef struct memctl_status {
  size_t size;
  const memctl_identity* domain;
  int64_t allocated_kib;          /* Xen's page count of the domain */
  int64_t target_kib;             /* the size that the domain was last asked to have */
  int64_t limit_kib;              /* how far the target may go, or MEMCTL_UNKNOWN */
  int64_t max_pages_kib;          /* the hypervisor's cap */
  int64_t boot_limit_kib;         /* the limit it was built with, or MEMCTL_UNKNOWN */
  int64_t pool_kib;               /* the paging pool; MEMCTL_UNKNOWN: a pv domain has none */
  const memctl_agent* agent;      /* null: no agent answers, or none was asked */
  int64_t reported_total_kib;     /* MemTotal, or MEMCTL_UNKNOWN */
  int64_t reported_available_kib; /* MemAvailable, or MEMCTL_UNKNOWN */
  const memctl_range* range;      /* null: every size would be refused, for refused_by */
  memctl_cause refused_by;
  const char* refused_message; /* one line; a guest may have written parts of it */
  /* of a growth to the largest size; null: the host has one NUMA node, or no size is granted */
  const memctl_numa_forecast* numa_forecast;
} memctl_status;

/* One step of a resize. */
typedef struct memctl_stage {
  size_t size;
  int64_t size_kib;        /* the domain's size after the stage */
  int64_t memmap_kib;      /* the guest memory that describing its blocks takes at most */
  int64_t host_memory_kib; /* the host memory that it takes; negative: it gives memory back */
  int32_t blocks;          /* the memory blocks that it adds at most */
} memctl_stage;

/* What a resize would do. The operation decides each stage anew on fresh figures. */
typedef struct memctl_plan {
  size_t size;
  const memctl_identity* domain;
  int64_t from_kib;
  int64_t to_kib;
  int64_t limit_kib;         /* the limit afterwards */
  int64_t earlier_limit_kib; /* the limit now */
  int64_t pool_kib;          /* the pool afterwards, or MEMCTL_UNKNOWN */
  int64_t pool_growth_kib;
  int64_t host_free_kib; /* free now and not claimed */
  int64_t host_reserve_kib;
  size_t stage_count; /* 0: the domain has that size already */
  const memctl_stage* const* stages;
  const memctl_range* range;
  const char* no_way_back; /* a sentence, if a resize back would be refused; otherwise empty */
  const memctl_numa_forecast* numa_forecast; /* null: the host has one NUMA node */
} memctl_plan;

/* What the doctor found about one precondition. */
typedef struct memctl_finding {
  size_t size;
  memctl_check check;
  memctl_severity severity;
  const char* message; /* one line; a guest may have written parts of it */
  const char* remedy;  /* a command or short instruction that mends it; empty: nothing to mend */
} memctl_finding;

typedef struct memctl_findings {
  size_t size;
  size_t count;
  const memctl_finding* const* findings;
} memctl_findings;

/* What recovery did about an operation whose process died: memctl/recovery.hpp. */
typedef struct memctl_recovery {
  size_t size;
  const memctl_report* report; /* null: nothing was left behind */
  int64_t unknown_claim_kib;   /* claimed for the domain by another tool */
} memctl_recovery;

/* What callbacks are shown. It lives until the callback returns. */

/* How far a resize or recovery has come. In MEMCTL_PHASE_ONLINE the guest claims now_kib. */
typedef struct memctl_event {
  size_t size;
  memctl_phase phase;
  int32_t stage;    /* counts from 1; 0 outside the stages */
  int64_t from_kib; /* the size when the phase began; 0 in MEMCTL_PHASE_FACTS */
  int64_t to_kib;   /* the size when the phase will end; 0 in MEMCTL_PHASE_FACTS */
  int64_t now_kib;
  int64_t elapsed_ms; /* since the operation began */
} memctl_event;

typedef struct memctl_log_line {
  size_t size;
  memctl_log_level level;
  const memctl_identity* domain; /* null: it is about the host */
  const char* message;           /* one line without a line end */
  memctl_line_kind kind;
  const memctl_report* report; /* how the resize or recovery ended; null: the kind is OTHER */
} memctl_log_line;

typedef struct memctl_change {
  size_t size;
  memctl_change_kind change;
  const memctl_identity* domain; /* ended: as it was */
} memctl_change;

typedef void (*memctl_log_callback)(const memctl_log_line* line, void* data);
typedef void (*memctl_event_callback)(const memctl_event* event, void* data);
typedef void (*memctl_change_callback)(const memctl_change* change, void* data);
typedef void (*memctl_end_callback)(void* data);
/* Called with a callback's data once the callback will not be called any more. */
typedef void (*memctl_free_callback)(void* data);

/* What the program fills in: `size` with sizeof, and what it leaves 0 has the default. */

/* The administrator's bounds for the sizes of some domains. */
typedef struct memctl_domain_policy {
  size_t size;
  const char* name;    /* of the domains; `*` stands for any text, `?` for one character */
  int64_t minimum_kib; /* 0: no bound */
  int64_t maximum_kib; /* 0: no bound */
} memctl_domain_policy;

/* What the administrator allows. It can only narrow what calls ask for: memctl/policy.hpp. */
typedef struct memctl_policy {
  size_t size;
  int64_t host_reserve_kib; /* host memory that stays free, also if a call's reserve is less */
  size_t domain_count;
  const memctl_domain_policy* const* domains; /* for each bound, the first that has it counts */
  memctl_numa numa;                           /* MEMCTL_NUMA_LOCAL counts for all calls */
} memctl_policy;

typedef struct memctl_host_options {
  size_t size;
  const memctl_policy* policy;        /* null: no bounds */
  memctl_log_callback on_log;         /* null: the library is silent */
  void* log_data;                     /* what on_log is called with */
  memctl_free_callback log_data_free; /* may be null */
  memctl_queue* log_queue;            /* where on_log runs; null: on the host's thread */
} memctl_host_options;

/* What a status, a plan or the doctor depends on: the resizes that they tell about. */
typedef struct memctl_question_options {
  size_t size;
  memctl_online_zone online;
  bool agentless;           /* the agent is not asked; the doctor asks it in any case */
  bool allow_hvm_devices;   /* as in memctl_resize_options */
  int64_t host_reserve_kib; /* host memory that stays free; 0: 64 MiB, or MEMCTL_NO_RESERVE */
  int64_t stall_ms;         /* if libxl is silent for this long, at least 5 s; 0: 30 s */
  bool force_movable;       /* as in memctl_resize_options */
  memctl_numa numa;         /* as in memctl_resize_options */
} memctl_question_options;

typedef struct memctl_resize_options {
  size_t size;
  int64_t timeout_ms; /* for the whole operation, restoring apart; 0: no end */
  int64_t stall_ms;   /* it ends if no layer makes progress for this long; 0: 30 s */
  memctl_on_failure on_failure;
  memctl_online_zone online;
  bool agentless;         /* the guest can only grow, and only Xen's count is verified */
  bool allow_hvm_devices; /* accept that emulated devices cannot reach the added memory */
  int64_t host_reserve_kib;
  /* null: none. At most a few dozen times a second: of very quick stages some are left out */
  memctl_event_callback on_event;
  void* event_data;                     /* what on_event is called with */
  memctl_free_callback event_data_free; /* may be null */
  memctl_queue* event_queue;            /* where on_event runs; null: on the host's thread */
  bool force_movable; /* more than three times as much movable memory as the kernel can use */
  memctl_numa numa;   /* where the memory of a growth may lie */
} memctl_resize_options;

#ifdef __cplusplus
}
#endif

#endif
