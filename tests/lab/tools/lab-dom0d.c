#define _GNU_SOURCE
/* Dom0's end of the lab channel. It runs the commands that a test asks for, any number at once, and
 * passes on the output of the guests. It is process 1 of dom0.
 *
 * A frame is: type (1 byte), job (u32), length (u32), payload; little-endian.
 *   from the test:  R run (payload: flags, rows u16, columns u16, command), I input (empty: end),
 *                   K signal (one byte), W window (rows u16, columns u16)
 *   to the test:    H hello, O output, E error output, X exit (wait status, u32), L console log
 *                   (payload: name, NUL, bytes)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LOG_DIR "/var/log/xen"
enum { MAX_JOBS = 64, MAX_LOGS = 256, HEADER = 9, MAX_PAYLOAD = 1 << 16 };
enum { FLAG_PTY = 1, FLAG_INPUT = 2 };

struct job {
  int used;
  uint32_t id;
  pid_t pid;
  int in, out, err; /* -1: closed; with a terminal `in` and `out` are the same descriptor */
  int exited, status, input_ended;
  char* pending;
  size_t pending_size;
};

struct log {
  char name[NAME_MAX + 1];
  off_t offset;
};

static struct job jobs[MAX_JOBS];
static struct log logs[MAX_LOGS];
static int port = -1;

static void die(const char* what) {
  fprintf(stderr, "LAB-FAIL: lab-dom0d: %s: %s\n", what, strerror(errno));
  sync();
  reboot(RB_POWER_OFF);
  _exit(1);
}

static void write_all(int fd, const void* data, size_t size) {
  const char* at = data;
  while (size > 0) {
    ssize_t n = write(fd, at, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) die("write to the channel");
    at += n;
    size -= (size_t)n;
  }
}

static void read_all(int fd, void* data, size_t size) {
  char* at = data;
  while (size > 0) {
    ssize_t n = read(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) { /* the test is gone, so this host ends */
      reboot(RB_POWER_OFF);
      _exit(1);
    }
    at += n;
    size -= (size_t)n;
  }
}

static void send_frame(char type, uint32_t id, const void* data, uint32_t size) {
  static char frame[HEADER + MAX_PAYLOAD];
  frame[0] = type;
  memcpy(frame + 1, &id, 4);
  memcpy(frame + 5, &size, 4);
  if (size > 0) memcpy(frame + HEADER, data, size);
  write_all(port, frame, HEADER + size);
}

static void close_fd(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* Reads the output that is there. Returns 0 at the end of the output. */
static int pass_on(struct job* job, int* fd, char type, int until_empty) {
  char data[16384];
  while (*fd >= 0) {
    ssize_t n = read(*fd, data, sizeof data);
    if (n > 0) {
      send_frame(type, job->id, data, (uint32_t)n);
      if (!until_empty) return 1;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return 1;
    if (fd == &job->out && job->in == job->out) job->in = -1;
    close_fd(fd);
  }
  return 0;
}

/* A job ends with its first process. Its output is closed then, also if other processes hold it. */
static void finish(struct job* job) {
  uint32_t status = (uint32_t)job->status;
  pass_on(job, &job->out, 'O', 1);
  pass_on(job, &job->err, 'E', 1);
  if (job->in != job->out) close_fd(&job->in);
  close_fd(&job->out);
  close_fd(&job->err);
  send_frame('X', job->id, &status, sizeof status);
  free(job->pending);
  memset(job, 0, sizeof *job);
}

static void feed(struct job* job) {
  while (job->pending_size > 0 && job->in >= 0) {
    ssize_t n = write(job->in, job->pending, job->pending_size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      job->pending_size = 0;
      break;
    }
    job->pending_size -= (size_t)n;
    memmove(job->pending, job->pending + n, job->pending_size);
  }
  if (job->input_ended && job->in >= 0 && job->in != job->out) close_fd(&job->in);
}

static struct job* find_job(uint32_t id) {
  for (int i = 0; i < MAX_JOBS; i++)
    if (jobs[i].used && jobs[i].id == id) return &jobs[i];
  return NULL;
}

static void become(const char* command) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  execl("/bin/sh", "sh", "-c", command, (char*)NULL);
  _exit(127);
}

static void set_nonblocking(int fd) {
  if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int start(struct job* job, int flags, struct winsize* size, const char* command) {
  int in[2] = {-1, -1}, out[2], err[2];
  if (flags & FLAG_PTY) {
    job->pid = forkpty(&job->out, NULL, NULL, size);
    if (job->pid < 0) return -1;
    if (job->pid == 0) become(command);
    job->in = job->out;
    job->err = -1;
  } else {
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return -1;
    if ((flags & FLAG_INPUT) && pipe2(in, O_CLOEXEC) != 0) return -1;
    job->pid = fork();
    if (job->pid < 0) return -1;
    if (job->pid == 0) {
      setsid();
      dup2(in[0] >= 0 ? in[0] : open("/dev/null", O_RDONLY), 0);
      dup2(out[1], 1);
      dup2(err[1], 2);
      become(command);
    }
    close(out[1]);
    close(err[1]);
    if (in[0] >= 0) close(in[0]);
    job->in = in[1];
    job->out = out[0];
    job->err = err[0];
  }
  fcntl(job->out, F_SETFD, FD_CLOEXEC);
  set_nonblocking(job->in);
  set_nonblocking(job->out);
  set_nonblocking(job->err);
  return 0;
}

static void run(uint32_t id, const unsigned char* data) {
  struct winsize size = {0};
  uint32_t failed = 127u << 8;
  memcpy(&size.ws_row, data + 1, 2);
  memcpy(&size.ws_col, data + 3, 2);
  for (int i = 0; i < MAX_JOBS; i++) {
    if (jobs[i].used) continue;
    jobs[i].used = 1;
    jobs[i].id = id;
    if (start(&jobs[i], data[0], &size, (const char*)data + 5) == 0) return;
    memset(&jobs[i], 0, sizeof jobs[i]);
    break;
  }
  send_frame('E', id, "lab-dom0d: cannot start", 23);
  send_frame('X', id, &failed, sizeof failed);
}

static void take_frame(void) {
  static unsigned char data[MAX_PAYLOAD + 1];
  unsigned char header[HEADER];
  uint32_t id, size;
  read_all(port, header, HEADER);
  memcpy(&id, header + 1, 4);
  memcpy(&size, header + 5, 4);
  if (size > MAX_PAYLOAD) die("a frame that is too long");
  read_all(port, data, size);
  data[size] = 0;
  if (header[0] == 'R' && size > 5) {
    run(id, data);
    return;
  }
  struct job* job = find_job(id);
  if (job == NULL) return; /* the job ended while the request was on its way */
  if (header[0] == 'K') kill(-job->pid, data[0]);
  if (header[0] == 'I') {
    if (size == 0) job->input_ended = 1;
    char* grown = realloc(job->pending, job->pending_size + size + 1);
    if (grown == NULL) die("out of memory");
    memcpy(grown + job->pending_size, data, size);
    job->pending = grown;
    job->pending_size += size;
    feed(job);
  }
  if (header[0] == 'W' && size == 4) {
    struct winsize window = {0};
    memcpy(&window.ws_row, data, 2);
    memcpy(&window.ws_col, data + 2, 2);
    ioctl(job->out, TIOCSWINSZ, &window);
  }
}

static void pass_on_log(const char* name) {
  char path[PATH_MAX], data[NAME_MAX + 1 + 16384];
  struct log* log = NULL;
  struct stat st;
  if (strncmp(name, "guest-", 6) != 0) return;
  for (int i = 0; i < MAX_LOGS && log == NULL; i++) {
    if (logs[i].name[0] == 0) strncpy(logs[i].name, name, NAME_MAX);
    if (strcmp(logs[i].name, name) == 0) log = &logs[i];
  }
  snprintf(path, sizeof path, LOG_DIR "/%s", name);
  int fd = log != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  if (fstat(fd, &st) == 0 && st.st_size < log->offset) log->offset = 0;
  size_t prefix = strlen(name) + 1;
  memcpy(data, name, prefix);
  ssize_t n;
  while ((n = pread(fd, data + prefix, sizeof data - prefix, log->offset)) > 0) {
    log->offset += n;
    send_frame('L', 0, data, (uint32_t)(prefix + (size_t)n));
  }
  close(fd);
}

static void take_notifications(int fd) {
  char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
  ssize_t n = read(fd, buffer, sizeof buffer);
  for (char* at = buffer; n > 0 && at < buffer + n;) {
    const struct inotify_event* event = (const struct inotify_event*)at;
    if (event->len > 0) pass_on_log(event->name);
    at += sizeof *event + event->len;
  }
}

static void reap(int fd) {
  struct signalfd_siginfo info;
  int status;
  pid_t pid;
  while (read(fd, &info, sizeof info) == sizeof info) continue;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    for (int i = 0; i < MAX_JOBS; i++)
      if (jobs[i].used && jobs[i].pid == pid) {
        jobs[i].status = status;
        finish(&jobs[i]);
      }
}

static void serve(int child_fd, int notify_fd) {
  struct pollfd fds[3 + 3 * MAX_JOBS];
  for (;;) {
    nfds_t n = 0;
    fds[n++] = (struct pollfd){.fd = child_fd, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = notify_fd, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = port, .events = POLLIN};
    for (int i = 0; i < MAX_JOBS; i++) {
      struct job* job = &jobs[i];
      if (!job->used) continue;
      fds[n++] = (struct pollfd){.fd = job->out, .events = POLLIN};
      fds[n++] = (struct pollfd){.fd = job->err, .events = POLLIN};
      if (job->pending_size > 0) fds[n++] = (struct pollfd){.fd = job->in, .events = POLLOUT};
    }
    if (poll(fds, n, -1) < 0 && errno != EINTR) die("poll");
    for (int i = 0; i < MAX_JOBS; i++) {
      if (!jobs[i].used) continue;
      pass_on(&jobs[i], &jobs[i].out, 'O', 0);
      pass_on(&jobs[i], &jobs[i].err, 'E', 0);
      feed(&jobs[i]);
    }
    if (fds[1].revents) take_notifications(notify_fd);
    if (fds[0].revents) reap(child_fd);
    if (fds[2].revents) take_frame();
  }
}

int main(int argc, char** argv) {
  sigset_t child;
  if (argc != 2) return 2;
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  int notify_fd = inotify_init1(IN_CLOEXEC);
  port = open(argv[1], O_RDWR | O_CLOEXEC);
  if (port < 0) die(argv[1]);
  if (child_fd < 0 || inotify_add_watch(notify_fd, LOG_DIR, IN_MODIFY | IN_CREATE) < 0)
    die("set up");
  send_frame('H', 0, NULL, 0);
  serve(child_fd, notify_fd);
}
