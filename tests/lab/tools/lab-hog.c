/* lab-hog MIB: takes MIB mebibytes, touches every page, says "held MIB" and keeps them until it is
 * killed. It is the first that the kernel's OOM killer takes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char** argv) {
  long mib = argc == 2 ? atol(argv[1]) : 0;
  if (mib <= 0) {
    fprintf(stderr, "usage: lab-hog MIB\n");
    return 2;
  }
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  if (fd >= 0 && write(fd, "1000", 4) != 4) return 1;
  size_t size = (size_t)mib << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("lab-hog");
    return 1;
  }
  for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
  printf("held %ld\n", mib);
  fflush(stdout);
  for (;;) pause();
}
