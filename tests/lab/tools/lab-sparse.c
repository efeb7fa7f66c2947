/* lab-sparse FILE: copies its input to FILE, with holes in place of zeros. A saved guest consists
 * mostly of zeros, and dom0's files lie in its memory. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static ssize_t fill(char* block) {
  size_t got = 0;
  while (got < BLOCK) {
    ssize_t n = read(0, block + got, BLOCK - got);
    if (n < 0) return -1;
    if (n == 0) break;
    got += (size_t)n;
  }
  return (ssize_t)got;
}

int main(int argc, char** argv) {
  static char block[BLOCK];
  static const char zeros[BLOCK];
  if (argc != 2) {
    fprintf(stderr, "usage: lab-sparse FILE\n");
    return 2;
  }
  int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  off_t at = 0;
  ssize_t n = 0;
  while (file >= 0 && (n = fill(block)) > 0) {
    if (memcmp(block, zeros, (size_t)n) != 0 && pwrite(file, block, (size_t)n, at) != n) n = -1;
    if (n < 0) break;
    at += n;
  }
  if (file < 0 || n < 0 || ftruncate(file, at) != 0) {
    perror("lab-sparse");
    return 1;
  }
  return 0;
}
