#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>

#include "mpi/member.h"
#include "mpi/root.h"
#include "mpi/share.h"

namespace rankdx::mpi {
namespace {

/// Ranks in one process; messages to the dead vanish.
struct Net {
  explicit Net(int ranks) : size(ranks), inbox(static_cast<size_t>(ranks)) {}
  int size;
  std::vector<std::deque<Message>> inbox;
  std::set<int> dead;
};

class NetLink final : public Link {
 public:
  NetLink(Net& net, int rank) : net_(net), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return net_.size; }
  void send(int to, Kind kind, std::string bytes) override {
    if (!net_.dead.count(to))
      net_.inbox[static_cast<size_t>(to)].push_back({rank_, kind, std::move(bytes)});
  }
  std::optional<Message> receive() override {
    auto& box = net_.inbox[static_cast<size_t>(rank_)];
    if (box.empty()) return std::nullopt;
    Message message = std::move(box.front());
    box.pop_front();
    return message;
  }

 private:
  Net& net_;
  int rank_;
};

/// Each input becomes a source of its name; "bad" ones cannot be read.
class FakeReader final : public Reader {
 public:
  void start(const Work& work) override { work_ = work; }
  std::optional<Result<Part>> result() override {
    if (is_stuck) return std::nullopt;
    if (!crash.empty()) return Result<Part>(fail(ErrorCode::Unreadable, crash));
    Part part;
    for (const Share& s : work_) {
      if (s.path.path.starts_with("bad")) {
        part.left_out.push_back(
            {s.index, {ErrorCode::Unreadable, "cannot be read", s.path.path, ""}});
        continue;
      }
      SourceFacts source;
      source.name = s.path.path;
      part.facts.sources.emplace(std::make_pair(source.name, uint64_t{0}), std::move(source));
    }
    return Result<Part>(std::move(part));
  }
  std::string crash;
  bool is_stuck = false;

 private:
  Work work_;
};

/// A whole run: what happens at which second is the test's.
class Scenario {
 public:
  Scenario(int ranks, const std::vector<std::string>& names)
      : net_(ranks), readers(static_cast<size_t>(ranks)) {
    for (const std::string& n : names) inputs_.push_back({n, InputPath::Found::Named});
    for (int r = 0; r < ranks; ++r) links_.push_back(std::make_unique<NetLink>(net_, r));
  }
  void start() {
    root_.emplace(
        *links_[0], readers[0], patience, inputs_, std::vector<uint64_t>(inputs_.size(), 100),
        [this](const Hello& h) { return local_and_dead.count(h.pid) != 0; }, now_);
    members_.emplace_back();
    for (int r = 1; r < net_.size; ++r) {
      members_.push_back(
          std::make_unique<Member>(*links_[static_cast<size_t>(r)], readers[static_cast<size_t>(r)],
                                   patience, Hello{"node" + std::to_string(r), 1000 + r}, now_));
    }
  }
  void kill(int rank) {
    net_.dead.insert(rank);
    net_.inbox[static_cast<size_t>(rank)].clear();
  }
  void hurry() {
    root_->hurry(now_);
    for (int r = 1; r < net_.size; ++r) members_[static_cast<size_t>(r)]->hurry(now_);
  }
  /// True when the root has everything, within so many seconds.
  bool goes_on_for(double seconds) {
    for (const double end = now_ + seconds; now_ < end; now_ += 0.05) {
      for (int r = 1; r < net_.size; ++r) {
        if (!net_.dead.count(r)) members_[static_cast<size_t>(r)]->step(now_);
      }
      if (root_->step(now_)) return true;
    }
    return false;
  }
  std::vector<std::string> sources(const ReadResult& read) const {
    std::vector<std::string> names;
    for (const auto& [key, source] : read.facts.sources) names.push_back(source.name);
    return names;
  }
  Root& root() { return *root_; }
  double now() const { return now_; }
  Member& member(int rank) { return *members_[static_cast<size_t>(rank)]; }

 private:
  Net net_;
  std::vector<std::unique_ptr<NetLink>> links_;
  std::vector<InputPath> inputs_;
  std::optional<Root> root_;
  std::vector<std::unique_ptr<Member>> members_;
  double now_ = 100;

 public:
  std::vector<FakeReader> readers;
  Patience patience;
  std::set<int> local_and_dead;
};

std::vector<std::string> names(int n) {
  std::vector<std::string> list;
  for (int i = 0; i < n; ++i) list.push_back("log" + std::to_string(10 + i));
  return list;
}

TEST(ShareOut, TheLargestFirstAndStandardInputAtTheRoot) {
  constexpr uint64_t kMega = 1'000'000;
  EXPECT_EQ(share_out({100 * kMega, 700 * kMega, 300 * kMega, 300 * kMega},
                      {false, false, false, false}, 2),
            (std::vector<int>{1, 0, 1, 1}));
  EXPECT_EQ(share_out({0, 9 * kMega, 10}, {true, true, false}, 2), (std::vector<int>{0, 0, 1}));
}

TEST(Tree, EveryRankHangsOnTheRoot) {
  for (int size : {1, 2, 3, 4, 7, 16, 1000}) {
    std::set<int> reached = {0};
    for (int r = 0; r < size; ++r) {
      for (int child : children_of(r, size)) {
        EXPECT_EQ(parent_of(child), r);
        EXPECT_TRUE(reached.insert(child).second);
      }
    }
    EXPECT_EQ(reached.size(), static_cast<size_t>(size));
  }
}

TEST(Gather, AllPartsComeTogether) {
  for (int ranks : {1, 2, 5, 8, 33}) {
    Scenario run(ranks, names(70));
    run.start();
    ASSERT_TRUE(run.goes_on_for(5)) << ranks;
    const ReadResult read = run.root().result();
    EXPECT_EQ(run.sources(read), names(70));
    EXPECT_TRUE(read.left_out.empty());
    EXPECT_TRUE(run.root().lost().empty());
  }
}

TEST(Gather, WhatCannotBeReadStandsInTheOrderOfTheInputs) {
  Scenario run(4, {"bad3", "log1", "bad2", "bad1", "log2"});
  run.start();
  ASSERT_TRUE(run.goes_on_for(5));
  std::vector<std::string> places;
  for (const Error& e : run.root().result().left_out) places.push_back(e.place);
  EXPECT_EQ(places, (std::vector<std::string>{"bad3", "bad2", "bad1"}));
}

TEST(Gather, ADeadRankCostsItsOwnFilesOnly) {
  for (int dead : {1, 2, 3, 4, 6, 7}) {
    Scenario run(8, names(16));
    for (FakeReader& r : run.readers) r.is_stuck = true;
    run.start();
    EXPECT_FALSE(run.goes_on_for(2));
    run.kill(dead);
    for (FakeReader& r : run.readers) r.is_stuck = false;
    EXPECT_FALSE(run.goes_on_for(20)) << "nobody is given up early";
    ASSERT_TRUE(run.goes_on_for(20)) << dead;
    ASSERT_EQ(run.root().lost().size(), 1u);
    EXPECT_EQ(run.root().lost()[0].rank, dead);
    const ReadResult read = run.root().result();
    EXPECT_EQ(read.facts.sources.size(), 14u);
    ASSERT_EQ(read.left_out.size(), 2u);
    EXPECT_NE(read.left_out[0].text.find("MPI rank " + std::to_string(dead) + " on node"),
              std::string::npos);
  }
}

TEST(Gather, ADeadProcessOfTheSameHostIsSeenAtOnce) {
  Scenario run(4, names(8));
  run.readers[2].is_stuck = true;
  run.start();
  EXPECT_FALSE(run.goes_on_for(1));
  run.kill(2);
  run.local_and_dead.insert(1002);
  EXPECT_TRUE(run.goes_on_for(0.5));
  EXPECT_EQ(run.root().result().facts.sources.size(), 6u);
}

TEST(Gather, ParentAndChildLostTogether) {
  Scenario run(8, names(16));
  for (FakeReader& r : run.readers) r.is_stuck = true;
  run.start();
  run.goes_on_for(1);
  run.kill(4);
  run.kill(6);
  for (FakeReader& r : run.readers) r.is_stuck = false;
  ASSERT_TRUE(run.goes_on_for(60));
  EXPECT_EQ(run.root().lost().size(), 2u);
  EXPECT_EQ(run.root().result().facts.sources.size(), 12u);
}

TEST(Gather, ACrashedReaderCostsItsFilesAndNotItsRank) {
  Scenario run(4, names(8));
  run.readers[2].crash = "its reading process ended by signal 9";
  run.start();
  ASSERT_TRUE(run.goes_on_for(5));
  EXPECT_TRUE(run.root().lost().empty());
  const ReadResult read = run.root().result();
  EXPECT_EQ(read.facts.sources.size(), 6u);
  ASSERT_EQ(read.left_out.size(), 2u);
  EXPECT_EQ(read.left_out[0].text, "MPI rank 2: its reading process ended by signal 9");
}

TEST(Gather, MpirunEndsTheRanksWhatIsThereIsReported) {
  Scenario run(8, names(16));
  run.readers[5].is_stuck = true;
  run.start();
  EXPECT_FALSE(run.goes_on_for(1));
  run.kill(3);
  run.hurry();
  ASSERT_TRUE(run.goes_on_for(0.9));
  EXPECT_EQ(run.root().result().facts.sources.size(), 14u)
      << "rank 3 had handed on its part, rank 5 was not done";
}

TEST(Gather, MembersOfADeadRootEnd) {
  Scenario run(2, names(2));
  run.readers[0].is_stuck = true;
  run.start();
  EXPECT_FALSE(run.goes_on_for(1));
  EXPECT_EQ(run.member(1).step(run.now() + 20), Member::State::Working);
  EXPECT_EQ(run.member(1).step(run.now() + 40), Member::State::RootLost);
}

TEST(Gather, DismissedMembersAreDone) {
  Scenario run(3, names(2));
  run.start();
  ASSERT_TRUE(run.goes_on_for(2));
  run.root().dismiss();
  EXPECT_EQ(run.member(1).step(run.now()), Member::State::Done);
  EXPECT_EQ(run.member(2).step(run.now()), Member::State::Done);
}

TEST(Messages, DamagedBytesAreNoMessage) {
  Part part;
  part.ranks = {1, 5};
  part.left_out.push_back({3, {ErrorCode::Corrupt, "text", "place", "hint"}});
  const std::string bytes = to_bytes(part);
  ASSERT_TRUE(read_part(bytes));
  EXPECT_EQ(read_part(bytes)->ranks, part.ranks);
  EXPECT_EQ(read_part(bytes)->left_out[0].error.hint, "hint");
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(read_part(bytes.substr(0, cut))) << cut;
  EXPECT_FALSE(read_rank("12x"));
  EXPECT_FALSE(read_rank(""));
}

}  // namespace
}  // namespace rankdx::mpi
