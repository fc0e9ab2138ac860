// Debian's libstdc++.a (std::random_device) asks for arc4random, which glibc has from 2.36 on. With
// this one the binary runs on 2.35, the glibc of Ubuntu 22.04 and so of vLLM's images.
#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

extern "C" uint32_t arc4random() {
  uint32_t number = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&number, sizeof number, 0);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof number) std::abort();
  return number;
}
