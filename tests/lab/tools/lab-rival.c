/* lab-rival DOMID CALL KIB: sets a domain's limit as another tool, without xl.
 *
 *   target      libxl_set_memory_target, enforced
 *   static-max  libxl_domain_setmaxmem
 *   max_pages   xc_domain_setmaxmem, of which only Xen knows
 *
 * For a limit in xenstore alone, xenstore-write is enough. */
#include <libxl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xentoollog.h>

static int set_max_pages(uint32_t domid, uint64_t kib) {
  xc_interface* xch = xc_interface_open(NULL, NULL, 0);
  if (xch == NULL) return -1;
  int result = xc_domain_setmaxmem(xch, domid, kib);
  xc_interface_close(xch);
  return result;
}

static int by_libxl(const char* call, uint32_t domid, uint64_t kib) {
  libxl_ctx* ctx = NULL;
  xentoollog_logger* logger =
      (xentoollog_logger*)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
  if (libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, logger) != 0) return -1;
  int result = strcmp(call, "target") == 0 ? libxl_set_memory_target(ctx, domid, (int64_t)kib, 0, 1)
                                           : libxl_domain_setmaxmem(ctx, domid, kib);
  libxl_ctx_free(ctx);
  xtl_logger_destroy(logger);
  return result;
}

int main(int argc, char** argv) {
  const char* call = argc == 4 ? argv[2] : "";
  const int xen = strcmp(call, "max_pages") == 0;
  if (!xen && strcmp(call, "target") != 0 && strcmp(call, "static-max") != 0) {
    fprintf(stderr, "usage: lab-rival DOMID target|static-max|max_pages KIB\n");
    return 2;
  }
  uint32_t domid = (uint32_t)atoi(argv[1]);
  uint64_t kib = strtoull(argv[3], NULL, 10);
  int result = xen ? set_max_pages(domid, kib) : by_libxl(call, domid, kib);
  if (result != 0) fprintf(stderr, "lab-rival: %s: %d\n", call, result);
  return result != 0;
}
