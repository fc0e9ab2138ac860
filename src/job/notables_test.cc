#include "job/notables.h"

#include <gtest/gtest.h>

#include "job/template_hash.h"

namespace rankdx {
namespace {

void add(NotableStore& store, uint64_t number, const std::string& body) {
  Notable n;
  n.line = number;
  const uint64_t key = NotableStore::key(template_hash(body), 0, Level::None);
  if (!store.counts(key, -1, body, number, 1)) store.add(key, n, body, body);
}

TEST(Notables, RepetitionsOfATemplateBecomeSamplesAndACount) {
  NotableStore store;
  for (int i = 0; i < 1000; ++i)
    add(store, 1 + i, "connect to 10.0.0." + std::to_string(i) + " refused");
  const auto kept = store.take();
  ASSERT_EQ(kept.size(), static_cast<size_t>(NotableStore::kSamples));
  EXPECT_EQ(kept.back().count, 1000u - NotableStore::kSamples + 1);
  EXPECT_EQ(kept.back().last_line, 1000u);
}

TEST(Notables, EndlessDifferentTextsMeetTheLimit) {
  NotableStore store;
  for (size_t i = 0; i < kMaxNotables + 10; ++i) {
    std::string body;
    for (size_t n = i; n; n /= 7) body += static_cast<char>('g' + n % 7);
    add(store, 1 + i, "x" + body);
  }
  EXPECT_EQ(store.take().size(), kMaxNotables);
  EXPECT_EQ(store.dropped(), 10u);
}

}  // namespace
}  // namespace rankdx
