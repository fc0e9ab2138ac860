#include "mpi/worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace rankdx::mpi {
namespace {

Result<Part> answer_of(Worker& worker) {
  while (true) {
    if (auto result = worker.result()) return *result;
    usleep(1000);
  }
}

ReadResult one_source_each(const std::vector<InputPath>& inputs) {
  ReadResult read;
  for (const InputPath& input : inputs) {
    SourceFacts source;
    source.name = input.path;
    read.facts.sources.emplace(std::make_pair(source.name, uint64_t{0}), std::move(source));
  }
  return read;
}

Work work_of(size_t n) {
  Work work;
  for (size_t i = 0; i < n; ++i)
    work.push_back({i, {std::string(200, 'x') + std::to_string(i), InputPath::Found::Named}});
  return work;
}

TEST(Worker, ReadsWhatItIsGiven) {
  for (size_t n : {0, 3, 5000}) {  // more than a pipe holds
    auto worker = Worker::fork_off(one_source_each);
    ASSERT_TRUE(worker);
    worker->start(work_of(n));
    const auto part = answer_of(*worker);
    ASSERT_TRUE(part) << part.error().text;
    EXPECT_EQ(part->facts.sources.size(), n);
  }
}

TEST(Worker, AnErrorKeepsTheNumberOfItsInput) {
  auto worker = Worker::fork_off([](const std::vector<InputPath>& inputs) {
    ReadResult read;
    read.left_out.push_back({ErrorCode::Unreadable, "no", inputs[1].path, ""});
    read.left_out_of.push_back(1);
    return read;
  });
  ASSERT_TRUE(worker);
  worker->start({{7, {"a", InputPath::Found::Named}}, {9, {"b", InputPath::Found::Named}}});
  const auto part = answer_of(*worker);
  ASSERT_TRUE(part);
  ASSERT_EQ(part->left_out.size(), 1u);
  EXPECT_EQ(part->left_out[0].input, 9u);
}

TEST(Worker, AKilledOneIsNamed) {
  auto worker = Worker::fork_off([](const std::vector<InputPath>&) -> ReadResult {
    kill(getpid(), SIGKILL);
    return {};
  });
  ASSERT_TRUE(worker);
  worker->start(work_of(2));
  const auto part = answer_of(*worker);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().text, "its reading process ended by signal 9");
}

TEST(Worker, GoesWithoutHavingWorked) {
  auto worker = Worker::fork_off(one_source_each);
  ASSERT_TRUE(worker);
  EXPECT_GT(worker->pid(), 0);
}

}  // namespace
}  // namespace rankdx::mpi
