/* Loaded before a program (LD_PRELOAD), makes every open of a path below $SLOW_OPEN_BELOW take $SLOW_OPEN_MS more, as
 * a network file system does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

static void wait_for(const char *path) {
  const char *below = getenv("SLOW_OPEN_BELOW"), *ms = getenv("SLOW_OPEN_MS");
  if (below == NULL || ms == NULL || strncmp(path, below, strlen(below)) != 0) return;
  const long long nanoseconds = atoll(ms) * 1000000LL;
  const struct timespec pause = {nanoseconds / 1000000000LL, nanoseconds % 1000000000LL};
  nanosleep(&pause, NULL);
}

static mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                \
  int name(const char *path, int flags, ...) {                    \
    va_list arguments;                                            \
    va_start(arguments, flags);                                   \
    const mode_t mode = mode_of(flags, arguments);                \
    va_end(arguments);                                            \
    int (*real)(const char *, int, ...);                          \
    *(void **)&real = dlsym(RTLD_NEXT, #name);                    \
    wait_for(path);                                               \
    return real(path, flags, mode);                               \
  }

OPEN(open)
OPEN(open64)
