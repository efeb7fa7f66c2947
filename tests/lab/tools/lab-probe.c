/* lab-probe [DOMID...]: prints Xen's own counts as JSON; without a DOMID, for all domains. It uses
 * only libxenctrl, so that a test can check memctl by figures that memctl had no part in.
 * lab-probe -p DOMID KIB: sets a paging pool. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

enum { MAX_DOMAINS = 1024 };

static void print_domain(xc_interface* xch, const xc_domaininfo_t* d, const char* separator) {
  uint64_t pool = 0;
  char pool_text[32] = "null";
  if (xc_get_paging_mempool_size(xch, d->domain, &pool) == 0)
    snprintf(pool_text, sizeof pool_text, "%" PRIu64, pool);
  printf("%s{\"domid\":%u,\"tot_pages\":%" PRIu64 ",\"max_pages\":%" PRIu64
         ",\"outstanding_pages\":%" PRIu64
         ",\"pool_bytes\":%s,\"flags\":%u,\"dying\":%s,"
         "\"shutdown\":%s,\"shutdown_code\":%u,\"paused\":%s,\"hvm\":%s}",
         separator, (unsigned)d->domain, (uint64_t)d->tot_pages, (uint64_t)d->max_pages,
         (uint64_t)d->outstanding_pages, pool_text, (unsigned)d->flags,
         d->flags & XEN_DOMINF_dying ? "true" : "false",
         d->flags & XEN_DOMINF_shutdown ? "true" : "false",
         (unsigned)(d->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask,
         d->flags & XEN_DOMINF_paused ? "true" : "false",
         d->flags & XEN_DOMINF_hvm_guest ? "true" : "false");
}

static int set_pool(xc_interface* xch, const char* domid, const char* kib) {
  if (xc_set_paging_mempool_size(xch, (uint32_t)atoi(domid), strtoull(kib, NULL, 10) * 1024) == 0)
    return 0;
  perror("lab-probe: xc_set_paging_mempool_size");
  return 1;
}

int main(int argc, char** argv) {
  static xc_domaininfo_t infos[MAX_DOMAINS];
  xc_physinfo_t host = {0};
  xc_interface* xch = xc_interface_open(NULL, NULL, 0);
  if (xch == NULL || xc_physinfo(xch, &host) != 0) {
    perror("lab-probe");
    return 1;
  }
  if (argc == 4 && strcmp(argv[1], "-p") == 0) return set_pool(xch, argv[2], argv[3]);
  int count = xc_domain_getinfolist(xch, 0, MAX_DOMAINS, infos);
  if (count < 0) {
    perror("lab-probe: xc_domain_getinfolist");
    return 1;
  }
  printf("{\"total_pages\":%" PRIu64 ",\"free_pages\":%" PRIu64 ",\"scrub_pages\":%" PRIu64
         ",\"outstanding_pages\":%" PRIu64 ",\"domains\":[",
         (uint64_t)host.total_pages, (uint64_t)host.free_pages, (uint64_t)host.scrub_pages,
         (uint64_t)host.outstanding_pages);
  const char* separator = "";
  for (int i = 0; i < count; i++) {
    int wanted = argc < 2;
    for (int a = 1; a < argc; a++) wanted |= atoi(argv[a]) == (int)infos[i].domain;
    if (!wanted) continue;
    print_domain(xch, &infos[i], separator);
    separator = ",";
  }
  printf("]}\n");
  xc_interface_close(xch);
  return 0;
}
