/* lab-stopwatch DOMID COMMAND [ARGUMENT...]: runs COMMAND in dom0 and tells what happens meanwhile,
 * each with the milliseconds since its start:
 *
 *   MS pages COUNT      Xen's count of the domain, at the start and whenever it has changed
 *   MS online COUNT     lab-uevents in the guest has counted so many blocks that came online
 *   MS line TEXT        COMMAND has printed a line
 *   MS ended STATUS     COMMAND has ended; last of all
 *
 * It looks at Xen's count every 5 ms. Error output and status are COMMAND's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenstore.h>

enum { LOOK_MS = 5, FAILED = 125 };

static xc_interface* xch;
static struct xs_handle* xs;
static uint32_t domid;
static struct timespec started;
static char online_path[64];

static double elapsed_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - started.tv_sec) * 1e3 +
         (double)(now.tv_nsec - started.tv_nsec) / 1e6;
}

static void look_at_pages(void) {
  static uint64_t last = UINT64_MAX;
  xc_domaininfo_t info;
  double at = elapsed_ms();
  if (xc_domain_getinfolist(xch, domid, 1, &info) != 1 || info.domain != domid) return;
  if (info.tot_pages == last) return;
  last = info.tot_pages;
  printf("%.1f pages %" PRIu64 "\n", at, last);
}

static void take_events(void) {
  char** event;
  while ((event = xs_check_watch(xs)) != NULL) {
    double at = elapsed_ms();
    unsigned size;
    char* count = xs_read(xs, XBT_NULL, online_path, &size);
    if (count != NULL) printf("%.1f online %s\n", at, count);
    free(count);
    free(event);
  }
}

/* Tells each whole line of what has been read; the rest waits for its end. */
static void tell_lines(const char* data, size_t size) {
  static char line[65536];
  static size_t length;
  for (size_t i = 0; i < size; i++) {
    if (data[i] == '\n') {
      printf("%.1f line %.*s\n", elapsed_ms(), (int)length, line);
      length = 0;
    } else if (length < sizeof line) {
      line[length++] = data[i];
    }
  }
}

static pid_t start(char** command, int* output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  clock_gettime(CLOCK_MONOTONIC, &started);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 1);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  close(ends[1]);
  *output = ends[0];
  return pid;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: lab-stopwatch DOMID COMMAND [ARGUMENT...]\n");
    return 2;
  }
  domid = (uint32_t)atoi(argv[1]);
  xch = xc_interface_open(NULL, NULL, 0);
  xs = xs_open(0);
  snprintf(online_path, sizeof online_path, "/local/domain/%u/data/lab/online", (unsigned)domid);
  if (xch == NULL || xs == NULL || !xs_watch(xs, online_path, "online")) {
    perror("lab-stopwatch");
    return FAILED;
  }
  char** first;
  while ((first = xs_check_watch(xs)) == NULL) { /* each watch fires once when it is made */
    struct pollfd made = {.fd = xs_fileno(xs), .events = POLLIN};
    poll(&made, 1, -1);
  }
  free(first);
  setvbuf(stdout, NULL, _IOLBF, 0);
  int output, status = 0;
  pid_t pid = start(argv + 2, &output);
  if (pid < 0) {
    perror("lab-stopwatch");
    return FAILED;
  }
  for (;;) {
    struct pollfd fds[2] = {{.fd = output, .events = POLLIN},
                            {.fd = xs_fileno(xs), .events = POLLIN}};
    char data[4096];
    look_at_pages();
    poll(fds, 2, LOOK_MS);
    if (fds[1].revents) take_events();
    if (fds[0].revents == 0) continue;
    ssize_t n = read(output, data, sizeof data);
    if (n > 0) tell_lines(data, (size_t)n);
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  waitpid(pid, &status, 0);
  double ended = elapsed_ms();
  look_at_pages();
  status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  printf("%.1f ended %d\n", ended, status);
  return status;
}
