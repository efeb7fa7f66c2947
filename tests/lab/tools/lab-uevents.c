/* lab-uevents [-o]: in a guest, counts the memory blocks that come online, and writes the count to
 * data/lab/online in xenstore, so that dom0 sees when that was. With -o it also brings each added
 * block online, as a rule of udev does: SUBSYSTEM=="memory", ACTION=="add", ATTR{state}="online".
 * Prints a line once it listens. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

static int xenbus;

static int write_count(unsigned count) {
  static const char path[] = "data/lab/online";
  struct {
    struct xsd_sockmsg header;
    char payload[sizeof path + 16];
  } message = {.header = {.type = XS_WRITE}};
  char answer[XENSTORE_PAYLOAD_MAX];
  memcpy(message.payload, path, sizeof path);
  int digits = snprintf(message.payload + sizeof path, 16, "%u", count);
  message.header.len = (uint32_t)(sizeof path + (size_t)digits);
  if (write(xenbus, &message, sizeof message.header + message.header.len) < 0) return 0;
  struct xsd_sockmsg header;
  if (read(xenbus, &header, sizeof header) != sizeof header) return 0;
  for (size_t left = header.len; left > 0;) {
    ssize_t n = read(xenbus, answer, left < sizeof answer ? left : sizeof answer);
    if (n <= 0) return 0;
    left -= (size_t)n;
  }
  return header.type == XS_WRITE;
}

static void bring_online(const char* block) {
  char path[256];
  snprintf(path, sizeof path, "/sys%s/state", block);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "online", 6) < 0) perror(path);
  close(fd);
}

int main(int argc, char** argv) {
  int as_rule = argc == 2 && strcmp(argv[1], "-o") == 0;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  int events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
  xenbus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
  if (xenbus < 0 || bind(events, (struct sockaddr*)&address, sizeof address) != 0) {
    perror("lab-uevents");
    return 1;
  }
  mlockall(MCL_CURRENT | MCL_FUTURE);
  puts("listening");
  fflush(stdout);
  unsigned online = 0;
  for (;;) {
    static const char memory[] = "/devices/system/memory/memory";
    char event[8192]; /* ACTION@PATH and a NUL come first */
    ssize_t size = recv(events, event, sizeof event - 1, 0);
    char* path = size > 0 ? memchr(event, '@', (size_t)size) : NULL;
    if (path == NULL) continue;
    event[size] = 0;
    *path++ = 0;
    if (strncmp(path, memory, sizeof memory - 1) != 0) continue;
    if (as_rule && strcmp(event, "add") == 0) bring_online(path);
    if (strcmp(event, "online") == 0 && !write_count(++online)) perror("lab-uevents: xenstore");
  }
}
