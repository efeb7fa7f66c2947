/* lab-drip KIB: holds the guest's balloon where it is, whatever target dom0 sets, and lets it move
 * by KIB twice a second. KIB is negative if the guest is to give memory back. Needs root. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BALLOON "/sys/devices/system/xen_memory/xen_memory0/"
enum { LOOKS_PER_STEP = 50, LOOK_NS = 10000000 };

static long current_kib(void) {
  long kib = -1;
  FILE* file = fopen(BALLOON "info/current_kb", "r");
  if (file == NULL) return -1;
  if (fscanf(file, "%ld", &kib) != 1) kib = -1;
  fclose(file);
  return kib;
}

static int set_target(long kib) {
  FILE* file = fopen(BALLOON "target_kb", "w");
  if (file == NULL) return -1;
  fprintf(file, "%ld\n", kib);
  return fclose(file);
}

int main(int argc, char** argv) {
  const long step = argc == 2 ? atol(argv[1]) : 0;
  if (step == 0) {
    fprintf(stderr, "usage: lab-drip KIB\n");
    return 2;
  }
  for (unsigned long look = 0;; look++) {
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    const long now = current_kib();
    if (now < 0 || set_target(now + (look % LOOKS_PER_STEP == 0 ? step : 0)) != 0) {
      perror("lab-drip");
      return 1;
    }
    nanosleep(&pause, NULL);
  }
}
