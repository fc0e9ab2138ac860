// One process while its source is being read: the facts so far, and which thread is at work on
// which communicator. Lines without a communicator pointer ("via", rings, trees) are tied by thread
// (reference: NCCL init.cc; from 2.22.3 connections made at the first collective run in fresh
// threads).
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "events/event.h"
#include "job/facts.h"

namespace rankdx {

/// Where a message stands: its line, number and time.
struct LinePlace {
  uint64_t number = 0;
  std::string_view text;
  int64_t time_us = kNoTime;
  int tid = -1;
};

/// Communicators kept of all processes of a source.
struct CommBudget {
  /// From here on a process keeps only the few that it is always allowed.
  static constexpr size_t kMost = 16384;
  size_t kept = 0;
  bool is_spent() const { return kept >= kMost; }
};

class ProcessFold {
 public:
  static constexpr size_t kMaxComms = 128;  ///< communicators kept per process
  /// Of those that were closed without an error, the first and the last ones stay; kFewComms when
  /// the budget is spent.
  static constexpr size_t kFirstClosed = 32, kLastClosed = 32, kFewComms = 8;
  static constexpr size_t kMaxLinks = 4096;    ///< links kept per communicator
  static constexpr size_t kMaxThreads = 4096;  ///< threads remembered
  static constexpr size_t kMaxSmall =
      256;  ///< entries of the small lists (environment, interfaces, retries)
  static constexpr int kMaxChannels = 64;

  /// The budget outlives the fold.
  explicit ProcessFold(CommBudget& budget) : budget_(budget) {}

  ProcessFacts facts;
  uint64_t label_line = 0;  ///< of the label that facts.label_rank was read from

  /// Does add() do anything with such an event?
  static bool wants(EventKind kind);
  static bool wants(const Event& event);
  /// Events of which a second one adds nothing (but a count, for back-traces) if the process said
  /// nothing else that add() wants in between, and the same thread said it.
  enum class Run : uint8_t { None, Topology, Graph, Backtrace, NoError };
  static Run run_of(const Event& event);
  /// Counts collective calls in; their communicator, or nullptr when it is not known. Who calls
  /// this keeps those of them that keeps_call() asks for, in their order. add() does the same for
  /// an event.
  CommFacts* count_calls(uint64_t comm, uint64_t count);
  /// `number`: of the call among all counted calls of the communicator, from 0 on.
  static bool keeps_call(const CommFacts& comm, uint64_t number);
  /// A CallFacts while it is one of many.
  struct HeldCall {
    uint64_t op_count = 0, count = 0, line = 0;
    int datatype = -1, op = -1, root = -1;
    uint32_t name = 0;  ///< see number_of_name()
  };
  /// Of the name of a call, for keep_call().
  uint32_t number_of_name(std::string_view name);
  void keep_call(const CommFacts& comm, uint64_t number, const HeldCall& call);
  /// Folds one NCCL event in.
  void add(const Event& event, const LinePlace& at);
  /// Index into facts.comms of the communicator the thread works on, or -1.
  int current_comm(int tid) const;
  /// A line that is kept says something about this communicator of current_comm(): it stays, too.
  void hold_comm(int index) { places_[static_cast<size_t>(index)].is_held = true; }
  /// Sorts what has no order of its own and takes out what was given up. Call once at the end.
  /// Returns the new index of each communicator.
  std::vector<int> finish();

  struct Handler;

 private:
  friend struct Handler;
  CommFacts* open_comm(const Event& event, const LinePlace& at);
  int take_place();
  void close_comm(int index);
  void give_up_comm(int index);
  int oldest_at_work();
  void set_parent(CommFacts& comm, int index);
  void settle_calls();
  std::vector<int> order_comms();
  CommFacts* comm_by_pointer(uint64_t comm);
  CommFacts* comm_of_thread(int tid);
  CommFacts* comm_for_link(const Event& event, const LinePlace& at);
  void set_live(uint64_t comm, int index);
  void fill(CommFacts& comm, const Event& event);
  void reach(CommFacts& comm, Stage stage);
  void bound_version(int at_least, int at_most, const LinePlace& at);

  void on_start(const Event& event, const LinePlace& at);
  void on_complete(const Event& event, const LinePlace& at);
  void on_split(const Event& event, const LinePlace& at);
  void on_split_out(const Event& event, const LinePlace& at);
  void take_split(CommFacts& comm, int tid);
  void on_layout(const Event& event, const LinePlace& at);
  void on_destroy(const Event& event, const LinePlace& at);
  void on_thread_stage(const Event& event, const LinePlace& at);
  void on_graph(const Event& event, const LinePlace& at);
  void on_via(const Event& event, const LinePlace& at);
  void on_connected(const Event& event, const LinePlace& at);
  void on_call(const Event& event, const LinePlace& at);
  void on_network(const Event& event, const LinePlace& at);
  void on_env(const Event& event, const LinePlace& at);
  void on_banner(const Event& event, const LinePlace& at);
  void on_retry(const Event& event, const LinePlace& at);
  void on_warn(const Event& event, const LinePlace& at);
  void on_backtrace(const Event& event, const LinePlace& at);
  void on_ras(const Event& event, const LinePlace& at);
  void on_ras_note(std::string_view text, const LinePlace& at);
  void on_bulk(const Event& event, const LinePlace& at);

  uint64_t recent_comm_ = 0;  ///< looked up last in live_, 0 none
  int recent_index_ = -1;
  std::unordered_map<uint64_t, int> live_;  ///< communicator pointer -> index into facts.comms
  /// What stands at an index of facts.comms: it is used again once a communicator was given up.
  struct Place {
    uint64_t serial = 0;
    bool is_held = false;
    bool is_parent = false;            ///< a parent_index points here, or did
    std::vector<HeldCall> calls;       ///< of the communicator: the first ones, in order
    std::vector<HeldCall> calls_ring;  ///< the later ones, by their number modulo kLastCalls
  };
  struct Opened {
    int index = -1;
    uint64_t serial = 0;
  };
  std::unordered_map<int, Opened> thread_comm_;  ///< by tid
  CommBudget& budget_;
  std::vector<Place> places_;  ///< parallel to facts.comms; serial 0: free
  std::vector<int> free_places_;
  std::vector<Opened>
      opened_;  ///< oldest first; those that were given up are taken out now and then
  std::vector<std::string> call_names_;
  std::vector<int> closed_;  ///< that may be given up, oldest first
  size_t first_closed_ = 0;  ///< number of those that stay
  uint64_t last_serial_ = 0;
  std::unordered_map<uint64_t, int>
      children_;  ///< parent index, color -> number of children so far
  /// A split whose communicator has not started yet: 2.18 to 2.22 print it before the start, on the
  /// same thread.
  struct Split {
    int rank = -1, nranks = -1, color = 0, key = 0, order = 0;
    uint64_t parent = 0;
  };
  std::unordered_map<int, Split> splits_;  ///< tid -> split
  int split_count_ = 0;
  int last_complete_ = -1;
};

}  // namespace rankdx
