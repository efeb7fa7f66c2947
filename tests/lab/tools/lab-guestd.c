/* The guest's end: runs the commands that lab-guest asks for through xenstore. It is process 1 of
 * the guest, and is locked into memory. It uses xenstore because xenstore needs almost no memory,
 * survives save and restore, and is apart from the console, on which the kernel writes at any time.
 *
 *   control/lab/request (dom0 writes)   "SEQ OP TEXT": OP r = run TEXT, f = facts
 *   data/lab/reply      (guest writes)  "SEQ N TYPE BASE64": TYPE o output, e error output,
 *                                       x exit (TEXT is the wait status in decimal)
 *   control/lab/ack     (dom0 writes)   "SEQ N": reply N has been read, the next may be written
 *   data/lab/ready      (guest writes)  "1" once
 *
 * A new SEQ ends the command of the earlier SEQ.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

enum { CHUNK = 1400, FACTS = 1 << 18 };
#define MEMORY "/sys/devices/system/memory/"
#define BALLOON "/sys/devices/system/xen_memory/xen_memory0/"

static int xenbus = -1;
static int event_pending;
static char seq[32];               /* of the running request; empty: none */
static unsigned long reply_number; /* of the last reply */
static int waiting_for_ack;
static pid_t pid = -1;
static int out = -1, err = -1, exited, status;
static char facts[FACTS];
static size_t facts_size, facts_sent;

/* Reads one message, and ends its payload with NUL. */
static unsigned take_message(char* payload) {
  struct xsd_sockmsg header;
  size_t got = 0;
  if (read(xenbus, &header, sizeof header) != sizeof header) return XS_ERROR;
  while (got < header.len && got < XENSTORE_PAYLOAD_MAX) {
    ssize_t n = read(xenbus, payload + got, header.len - got);
    if (n <= 0) return XS_ERROR;
    got += (size_t)n;
  }
  payload[got] = 0;
  if (header.type == XS_WATCH_EVENT) event_pending = 1;
  return header.type;
}

/* Sends one request and reads its answer, without the static libxenstore, which fails a call with
 * EINVAL if a watch's event arrives before the answer. Returns NULL on an error. */
static const char* talk(unsigned type, const void* payload, size_t size) {
  static char message[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
  static char answer[XENSTORE_PAYLOAD_MAX + 1];
  struct xsd_sockmsg header = {.type = type, .len = (uint32_t)size};
  memcpy(message, &header, sizeof header);
  memcpy(message + sizeof header, payload, size);
  if (write(xenbus, message, sizeof header + size) < 0) return NULL;
  unsigned answered;
  do answered = take_message(answer);
  while (answered == XS_WATCH_EVENT);
  return answered == type ? answer : NULL;
}

static int write_node(const char* path, const char* value) {
  char payload[XENSTORE_PAYLOAD_MAX];
  size_t length = strlen(path) + 1;
  memcpy(payload, path, length);
  memcpy(payload + length, value, strlen(value));
  return talk(XS_WRITE, payload, length + strlen(value)) != NULL;
}

static void base64(const unsigned char* data, size_t size, char* text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < size; i += 3) {
    unsigned long bits = (unsigned long)data[i] << 16;
    if (i + 1 < size) bits |= (unsigned long)data[i + 1] << 8;
    if (i + 2 < size) bits |= data[i + 2];
    *text++ = digits[bits >> 18 & 63];
    *text++ = digits[bits >> 12 & 63];
    *text++ = i + 1 < size ? digits[bits >> 6 & 63] : '=';
    *text++ = i + 2 < size ? digits[bits & 63] : '=';
  }
  *text = 0;
}

static void reply(char type, const void* data, size_t size) {
  char value[2048];
  int at = snprintf(value, sizeof value, "%s %lu %c ", seq, ++reply_number, type);
  base64(data, size, value + at);
  if (!write_node("data/lab/reply", value)) dprintf(2, "lab-guestd: cannot reply\n");
  waiting_for_ack = 1;
}

static void add_fact(const char* format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(facts + facts_size, FACTS - facts_size, format, args);
  va_end(args);
  if (n > 0 && facts_size + (size_t)n < FACTS) facts_size += (size_t)n;
}

static int read_line(const char* path, char* text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = 0;
  text[strcspn(text, "\n")] = 0;
  return n > 0;
}

static void add_file(const char* key, const char* path) {
  char text[256];
  if (read_line(path, text, sizeof text)) add_fact("%s %s\n", key, text);
}

static void add_meminfo(void) {
  char text[4096];
  int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = 0;
  for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
    if (strncmp(line, "Mem", 3) == 0) add_fact("%s\n", line);
}

/* Writes all facts about the guest's memory, without a fork. */
static void collect_facts(void) {
  char path[512], state[64], zones[128];
  facts_size = facts_sent = 0;
  add_meminfo();
  add_file("policy", MEMORY "auto_online_blocks");
  add_file("block_bytes", MEMORY "block_size_bytes");
  add_file("target_kib", BALLOON "target_kb");
  add_file("current_kib", BALLOON "info/current_kb");
  DIR* dir = opendir(MEMORY);
  struct dirent* entry;
  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    if (strncmp(entry->d_name, "memory", 6) != 0 || entry->d_name[6] == 0) continue;
    snprintf(path, sizeof path, MEMORY "%s/state", entry->d_name);
    read_line(path, state, sizeof state);
    snprintf(path, sizeof path, MEMORY "%s/valid_zones", entry->d_name);
    read_line(path, zones, sizeof zones);
    add_fact("block %s %s %s\n", entry->d_name + 6, state, zones);
  }
  if (dir != NULL) closedir(dir);
}

static void forget(void) {
  if (pid > 0) kill(-pid, SIGKILL);
  if (out >= 0) close(out);
  if (err >= 0) close(err);
  out = err = -1;
  pid = -1;
  exited = waiting_for_ack = 0;
  facts_size = facts_sent = reply_number = 0;
  seq[0] = 0;
}

static void run(const char* command) {
  int o[2], e[2];
  if (pipe2(o, O_CLOEXEC) != 0 || pipe2(e, O_CLOEXEC) != 0) return;
  pid = fork();
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(o[1], 1);
    dup2(e[1], 2);
    execl("/bin/sh", "sh", "-c", command, (char*)NULL);
    _exit(127);
  }
  close(o[1]);
  close(e[1]);
  out = o[0];
  err = e[0];
  fcntl(out, F_SETFL, O_NONBLOCK);
  fcntl(err, F_SETFL, O_NONBLOCK);
  if (pid < 0) {
    exited = 1;
    status = 126 << 8;
    dprintf(2, "lab-guestd: fork: %s\n", strerror(errno));
  }
}

static void take_request(const char* text) {
  char next[sizeof seq], op;
  int at = 0;
  static char last[sizeof seq];
  if (sscanf(text, "%31s %c%n", next, &op, &at) != 2 || strcmp(next, last) == 0) return;
  forget();
  strcpy(last, next);
  strcpy(seq, next);
  if (op == 'r') run(text + at + (text[at] == ' '));
  if (op == 'f') {
    collect_facts();
    exited = 1;
    status = 0;
  }
}

static void take_ack(const char* text) {
  char acked[sizeof seq];
  unsigned long number;
  if (sscanf(text, "%31s %lu", acked, &number) == 2 && strcmp(acked, seq) == 0 &&
      number == reply_number)
    waiting_for_ack = 0;
}

/* After a restore the guest has a new, empty directory, and the watch fires. */
static void announce(void) {
  if (talk(XS_READ, "data/lab/ready", 15) == NULL && !write_node("data/lab/ready", "1"))
    dprintf(2, "LAB-FAIL: lab-guestd: xenstore\n");
}

static void take_events(void) {
  const char* text;
  while (event_pending) {
    event_pending = 0;
    announce();
    if ((text = talk(XS_READ, "control/lab/request", 20)) != NULL) take_request(text);
    if ((text = talk(XS_READ, "control/lab/ack", 16)) != NULL) take_ack(text);
  }
}

/* Returns whether a reply was written. */
static int pass_on(int* fd, char type) {
  char data[CHUNK];
  if (*fd < 0) return 0;
  ssize_t n = read(*fd, data, sizeof data);
  if (n > 0) {
    reply(type, data, (size_t)n);
    return 1;
  }
  if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    close(*fd);
    *fd = -1;
  }
  return 0;
}

static void step(void) {
  if (seq[0] == 0 || waiting_for_ack) return;
  if (facts_sent < facts_size) {
    size_t size = facts_size - facts_sent < CHUNK ? facts_size - facts_sent : CHUNK;
    reply('o', facts + facts_sent, size);
    facts_sent += size;
    return;
  }
  if (pass_on(&out, 'o') || pass_on(&err, 'e')) return;
  if (exited) {
    char text[16];
    int size = snprintf(text, sizeof text, "%d", status);
    pid = -1;
    reply('x', text, (size_t)size);
    forget();
  }
}

static void reap(int fd) {
  struct signalfd_siginfo info;
  int child_status;
  pid_t child;
  while (read(fd, &info, sizeof info) == sizeof info) continue;
  while ((child = waitpid(-1, &child_status, WNOHANG)) > 0)
    if (child == pid) {
      exited = 1;
      status = child_status;
    }
}

int main(void) {
  sigset_t child;
  memset(facts, 1, sizeof facts);
  mlockall(MCL_CURRENT | MCL_FUTURE);
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  xenbus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
  if (xenbus < 0 || talk(XS_WATCH, "control/lab\0lab", 16) == NULL) {
    perror("LAB-FAIL: lab-guestd: xenstore");
    for (;;) pause();
  }
  announce();
  for (;;) {
    take_events();
    int idle = seq[0] == 0 || waiting_for_ack;
    if (!idle) step();
    take_events();
    idle = seq[0] == 0 || waiting_for_ack;
    int more = !idle && (facts_sent < facts_size || exited);
    struct pollfd fds[4] = {{.fd = xenbus, .events = POLLIN},
                            {.fd = child_fd, .events = POLLIN},
                            {.fd = idle ? -1 : out, .events = POLLIN},
                            {.fd = idle ? -1 : err, .events = POLLIN}};
    poll(fds, 4, more ? 0 : -1);
    if (fds[0].revents) {
      char payload[XENSTORE_PAYLOAD_MAX + 1];
      take_message(payload);
    }
    if (fds[1].revents) reap(child_fd);
  }
}
