#include "checkpoint/text_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace rankdx {

std::shared_ptr<char[]> text_buffer(size_t bytes) {
  constexpr size_t kFromTheKernel = 32u << 10;
  if (bytes < kFromTheKernel)
    return std::shared_ptr<char[]>(new (std::nothrow) char[std::max<size_t>(bytes, 1)]);
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  return std::shared_ptr<char[]>(static_cast<char*>(pages),
                                 [bytes](char* p) { ::munmap(p, bytes); });
}

}  // namespace rankdx
