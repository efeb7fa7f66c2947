/* lab-hog MIB [RATE]: an ordinary program of that size. It takes MIB mebibytes, at most RATE a
 * second, touches every page, says "held MIB" and keeps the memory until it is killed. Ten times a
 * second it starts a child that takes a little more memory and ends, as happens in any guest. A
 * child also takes memory of the kernel, for its stack and page tables. So a guest without any
 * memory left shows that. */
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
    /* A page fault for each page is slow on an emulated processor. Linux before 5.14 needs them. */
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
  /* The children do not use this memory, and copying its page tables takes most of the time of an
   * emulated processor. */
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
