/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab-journal COMMAND...: runs a command while this program plays systemd's journal, and then
 * prints the entries that arrived, in the bytes of journald's protocol. An empty line ends an
 * entry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const struct sockaddr_un place = {AF_UNIX, "/run/systemd/journal/socket"};
  static char entry[1 << 16];
  int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int status = 0;
  ssize_t size;
  if (argc < 2) return 2;
  mkdir("/run/systemd", 0755);
  mkdir("/run/systemd/journal", 0755);
  unlink(place.sun_path);
  if (bind(journal, (const struct sockaddr*)&place, sizeof place) != 0) {
    perror(place.sun_path);
    return 1;
  }
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  waitpid(child, &status, 0);
  while ((size = recv(journal, entry, sizeof entry, MSG_DONTWAIT)) > 0) {
    fwrite(entry, 1, (size_t)size, stdout);
    putchar('\n');
  }
  unlink(place.sun_path);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
