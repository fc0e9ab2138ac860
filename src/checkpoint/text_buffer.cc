#include "checkpoint/text_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace rankdx {
namespace {

constexpr size_t kHugePage = 2u << 20;
constexpr size_t kRegion = 4 * kHugePage;

/// Pages that live as long as any text on them.
class Region {
 public:
  static std::shared_ptr<Region> make(size_t bytes) {
    // Room to begin at a huge page; what is not touched costs nothing.
    const size_t all = bytes + kHugePage;
    void* pages = ::mmap(nullptr, all, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    ::madvise(pages, all, MADV_HUGEPAGE);
    return std::make_shared<Region>(static_cast<char*>(pages), all);
  }
  Region(char* pages, size_t all) : pages_(pages), all_(all) {
    const auto at = reinterpret_cast<uintptr_t>(pages);
    next_ = (kHugePage - at % kHugePage) % kHugePage;
  }
  ~Region() { ::munmap(pages_, all_); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  char* take(size_t bytes) {
    if (bytes > all_ - next_) return nullptr;
    char* text = pages_ + next_;
    next_ += (bytes + 63) / 64 * 64;
    next_ = std::min(next_, all_);
    return text;
  }

 private:
  char* pages_;
  size_t all_, next_;
};

/// Kernels before 5.14 do not know it, and fault page by page.
void bring_in([[maybe_unused]] char* text, [[maybe_unused]] size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  const auto at = reinterpret_cast<uintptr_t>(text);
  ::madvise(text - at % 4096, bytes + at % 4096, MADV_POPULATE_WRITE);
#endif
}

}  // namespace

std::shared_ptr<char[]> text_buffer(size_t bytes) {
  static std::mutex mutex;
  static std::weak_ptr<Region> current;
  std::shared_ptr<Region> region;
  char* text = nullptr;
  if (bytes >= kRegion) {
    region = Region::make(bytes);
    text = region ? region->take(bytes) : nullptr;
  } else {
    const std::lock_guard<std::mutex> lock(mutex);
    region = current.lock();
    text = region ? region->take(bytes) : nullptr;
    if (text == nullptr) {
      region = Region::make(kRegion);
      text = region ? region->take(bytes) : nullptr;
      current = region;
    }
  }
  if (text == nullptr) return nullptr;
  if (bytes >= 16384) bring_in(text, bytes);
  return {std::move(region), text};
}

}  // namespace rankdx
