/* lab-guest [-t SECONDS] DOMAIN COMMAND   runs COMMAND in the guest's shell
 * lab-guest [-t SECONDS] -f DOMAIN        prints the guest's memory facts
 * lab-guest [-t SECONDS] -w DOMAIN        waits until the guest takes commands
 * lab-guest [-t SECONDS] -n NODE DOMAIN   waits until the guest has written NODE
 *
 * Output, error output and status are the command's. Status 125 and a line that starts with
 * "lab-guest:" mean that the guest did not answer. The protocol is in lab-guestd.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

enum { FAILED = 125 };

static struct xs_handle* xs;
static unsigned domid;
static int only_wait; /* waits for a node of the domain, and runs no command */
static long long deadline_ms;

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void fail(const char* format, ...) {
  va_list args;
  va_start(args, format);
  fputs("lab-guest: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(FAILED);
}

static char* node(const char* name) {
  char* path = NULL;
  if (asprintf(&path, "/local/domain/%u/%s", domid, name) < 0) fail("out of memory");
  return path;
}

static unsigned find_domain(const char* name) {
  unsigned count = 0, found = 0, size;
  char *end, path[64];
  unsigned long id = strtoul(name, &end, 10);
  if (*name != 0 && *end == 0) return (unsigned)id;
  char** ids = xs_directory(xs, XBT_NULL, "/local/domain", &count);
  for (unsigned i = 0; ids != NULL && i < count; i++) {
    snprintf(path, sizeof path, "/local/domain/%s/name", ids[i]);
    char* value = xs_read(xs, XBT_NULL, path, &size);
    if (value != NULL && strcmp(value, name) == 0) found = (unsigned)atoi(ids[i]);
    free(value);
  }
  free(ids);
  if (found == 0) fail("no domain %s", name);
  return found;
}

/* Blocks until something happened in xenstore, the deadline has passed or the domain is gone. With
 * `only_wait` the domain may not exist yet, because it reboots. */
static void wait_for_event(void) {
  static int introduced;
  struct pollfd fd = {.fd = xs_fileno(xs), .events = POLLIN};
  char** event = xs_check_watch(xs);
  if (event == NULL) {
    long long left = deadline_ms - now_ms();
    if (left <= 0 || poll(&fd, 1, (int)left) == 0) fail("domain %u did not answer in time", domid);
    event = xs_check_watch(xs);
  }
  free(event);
  if (xs_is_domain_introduced(xs, domid))
    introduced = 1;
  else if (introduced || !only_wait)
    fail("domain %u is gone", domid);
}

static size_t decode(const char* text, char* data) {
  size_t size = 0;
  unsigned long bits = 0;
  int digits = 0;
  for (; *text != 0 && *text != '='; text++) {
    int c = *text, value;
    if (c >= 'A' && c <= 'Z')
      value = c - 'A';
    else if (c >= 'a' && c <= 'z')
      value = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      value = c - '0' + 52;
    else
      value = c == '+' ? 62 : 63;
    bits = bits << 6 | (unsigned long)value;
    if (++digits % 4 != 1) data[size++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)) & 255);
  }
  return size;
}

static void write_node(const char* name, const char* value) {
  char* path = node(name);
  if (!xs_write(xs, XBT_NULL, path, value, (unsigned)strlen(value)))
    fail("%s: %s", path, strerror(errno));
  free(path);
}

static void write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) exit(FAILED);
    data += n;
    size -= (size_t)n;
  }
}

/* Reads replies until the reply with the status, and returns the status as a shell would. */
static int take_replies(const char* seq) {
  char ack[64], data[4096], *path = node("data/lab/reply");
  unsigned long expected = 1;
  for (;;) {
    unsigned size = 0;
    char *value = xs_read(xs, XBT_NULL, path, &size), got[32], type;
    unsigned long number;
    int at = 0;
    if (value != NULL && size < sizeof data &&
        sscanf(value, "%31s %lu %c %n", got, &number, &type, &at) == 3 && at > 0 &&
        strcmp(got, seq) == 0 && number == expected) {
      size_t length = decode(value + at, data);
      expected++;
      if (type == 'x') {
        data[length] = 0;
        int status = atoi(data);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      }
      write_all(type == 'e' ? 2 : 1, data, length);
      snprintf(ack, sizeof ack, "%s %lu", seq, number);
      write_node("control/lab/ack", ack);
      free(value);
      continue;
    }
    free(value);
    wait_for_event();
  }
}

static void lock_domain(void) {
  char path[64];
  snprintf(path, sizeof path, "/run/lab-guest.%u", domid);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || flock(fd, LOCK_EX) != 0) fail("%s: %s", path, strerror(errno));
}

static void wait_for_node(const char* name) {
  char* path = node(name);
  unsigned size;
  for (;;) {
    char* value = xs_read(xs, XBT_NULL, path, &size);
    if (value != NULL) return;
    wait_for_event();
  }
}

int main(int argc, char** argv) {
  int option, facts = 0, seconds = 60;
  const char* awaited = "data/lab/ready";
  while ((option = getopt(argc, argv, "+fwn:t:")) != -1) {
    if (option == 't')
      seconds = atoi(optarg);
    else if (option == 'f')
      facts = 1;
    else if (option == 'w')
      only_wait = 1;
    else if (option == 'n')
      only_wait = 1, awaited = optarg;
    else
      return 2;
  }
  if (argc - optind != (facts || only_wait ? 1 : 2)) {
    fprintf(stderr,
            "usage: lab-guest [-t SECONDS] {DOMAIN COMMAND | -f DOMAIN | -w DOMAIN | -n NODE "
            "DOMAIN}\n");
    return 2;
  }
  deadline_ms = now_ms() + seconds * 1000LL;
  xs = xs_open(0);
  if (xs == NULL) fail("xenstore: %s", strerror(errno));
  domid = find_domain(argv[optind]);
  if (!xs_watch(xs, node("data/lab/reply"), "reply") || !xs_watch(xs, node(awaited), "node") ||
      !xs_watch(xs, "@introduceDomain", "made") || !xs_watch(xs, "@releaseDomain", "gone"))
    fail("watch: %s", strerror(errno));
  wait_for_node(awaited);
  if (only_wait) return 0;
  lock_domain();
  char seq[32], *request;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(seq, sizeof seq, "%lx.%lx.%x", (long)now.tv_sec, now.tv_nsec, (unsigned)getpid());
  const char* command = facts ? "" : argv[optind + 1];
  if (strlen(command) > 3500) fail("a command of more than 3500 bytes");
  if (asprintf(&request, "%s %c %s", seq, facts ? 'f' : 'r', command) < 0) fail("out of memory");
  write_node("control/lab/request", request);
  return take_replies(seq);
}
