/* lab-hog MIB [RATE]: an ordinary program of that size. It takes MIB mebibytes, RATE a second at
 * most, touches every page, says "held MIB" and keeps them until it is killed. Ten times a second a
 * child of it takes a little more and ends, as it goes on in any guest: of the kernel's own memory,
 * too, for its stack and page tables. A guest that has nothing left shows it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { LITTLE = 256 << 10, PAGE = 4096, CHUNK = 1 << 20 };

static void pause_for(long nanoseconds) {
  const struct timespec pause = {.tv_nsec = nanoseconds};
  nanosleep(&pause, NULL);
}

static char* take(size_t size, long rate) {
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  for (size_t at = 0; at < size; at += PAGE) {
    /* A fault for each page takes an emulated processor long; Linux before 5.14 has no other way */
    const size_t left = size - at;
    if (at % CHUNK == 0) {
      if (rate > 1) pause_for(1000000000 / rate);
      madvise(memory + at, left < CHUNK ? left : CHUNK, MADV_POPULATE_WRITE);
    }
    memory[at] = 1;
  }
  return memory;
}

int main(int argc, char** argv) {
  long mib = argc == 2 || argc == 3 ? atol(argv[1]) : 0;
  if (mib <= 0) {
    fprintf(stderr, "usage: lab-hog MIB [RATE]\n");
    return 2;
  }
  char* held = take((size_t)mib << 20, argc == 3 ? atol(argv[2]) : 0);
  if (held == NULL) {
    perror("lab-hog");
    return 1;
  }
  /* Its children have no use for it, and copying the page tables of it takes most of the time that
   * an emulated processor has. */
  madvise(held, (size_t)mib << 20, MADV_DONTFORK);
  printf("held %ld\n", mib);
  fflush(stdout);
  for (;;) {
    pause_for(100000000);
    pid_t child = fork();
    if (child == 0) _exit(take(LITTLE, 0) == NULL);
    if (child > 0) waitpid(child, NULL, 0);
  }
}
