#include "catalogue/nccl_subsystems.h"

#include "base/text.h"

namespace rankdx {
namespace {

// Volumes: estimates from the number of calls in the sources, prefix of some 40 bytes; COLL lines
// measured on real logs (184 to 244 bytes).
constexpr NcclSubsystem kSubsystems[] = {
    {"INIT", 0x1, "2.3", "all releases",
     "Version, driver, plugins, chosen network, Init START and COMPLETE per rank, nNodes and "
     "localRanks, ring and tree "
     "lists, one line per channel and peer with its transport, timings.",
     "20 to 35 lines per rank and communicator plus its channels: 5 to 20 KB.",
     "How far each rank came, who is missing, which transport joins two ranks.",
     "Init COMPLETE is said per rank, not by the whole job; from 2.22.3 the data connections come "
     "after it."},
    {"COLL", 0x2, "2.3", "",
     "One line per collective and send/recv call: name, opCount, count, datatype, op, root, "
     "communicator.",
     "About 200 bytes per call: an eager decoder of 80 layers writes 30 to 40 KB per step and "
     "rank. Replays of CUDA "
     "graphs print nothing.",
     "Collectives out of step: compare the calls of all ranks, the shortest list is behind.",
     "A line is printed when the call is queued; it does not say that the collective ended."},
    {"P2P", 0x4, "2.3", "",
     "The peer-to-peer transport between GPUs of one host (NVLink, PCIe): channel lines via "
     "P2P/..., handle and import "
     "problems.",
     "Some lines per channel and peer.", "Why two GPUs of one host do or do not use P2P.",
     "This is a transport, not send/recv calls: those are in COLL."},
    {"SHM", 0x8, "2.3", "",
     "The transport through the host's shared memory: channel lines via SHM/..., segments.",
     "Some lines per channel and peer.", "Problems with /dev/shm.", ""},
    {"NET", 0x10, "2.3", "",
     "Network devices and plugins, channel lines via NET/..., GPUDirect decisions, connects and "
     "retries, InfiniBand "
     "queue pairs.",
     "2 to 4 lines per device, one per GPU and device up to 2.29, some per connection.",
     "Which interface or adapter is used, why RDMA is not, who cannot be reached.",
     "Naming any list drops the default ones: NET alone hides the BOOTSTRAP and ENV lines."},
    {"GRAPH", 0x20, "2.5.6", "",
     "The machine as NCCL sees it (=== System), paths between GPUs and adapters (NVL, PIX, PHB, "
     "SYS), search results "
     "(Pattern), every Ring and Tree.",
     "150 to 400 lines per communicator: 30 to 80 KB.",
     "NVLink or PCIe between two GPUs, distance to the adapter, whole rings.", ""},
    {"TUNING", 0x40, "2.5.6", "",
     "Table of latency and bandwidth per algorithm, and from 2.20.3 the choice for each call (rank "
     "0).",
     "A table per communicator; from 2.20.3 one line of 100 to 140 bytes per call on rank 0.",
     "Which algorithm and protocol was taken, and why a forced one was not.", ""},
    {"ENV", 0x80, "2.7.3", "2.16.5 and later",
     "Variables in force: '... set by environment to ...', files read.",
     "One line per variable that is set.",
     "What each rank was really started with; differences between ranks.",
     "A variable at its default prints nothing; NCCL_P2P_DISABLE=0 prints nothing either."},
    {"ALLOC", 0x100, "2.9.9", "", "Each buffer that NCCL takes, with size and pointer.",
     "One or more lines per buffer: hundreds to thousands at start.",
     "Memory used outside the framework's allocator; size of /dev/shm segments.",
     "From 2.30.7 host memory is in ALLOC_HOST."},
    {"CALL", 0x200, "2.13.4", "",
     "Each call of NCCL's interface, as 'NCCL CALL ncclAllReduce(...)'.", "One line per call.",
     "Replaying what a program asked for.",
     "Needs NCCL_DEBUG=TRACE; such lines have no device bracket."},
    {"PROXY", 0x400, "2.17.1", "",
     "Threads that move data for the GPUs: set-up steps, connections, closing.",
     "4 to 8 lines per step of each connection: the loudest one at start.",
     "Failures while transports are being set up.", "The name is understood from 2.18.1 on."},
    {"NVLS", 0x800, "2.17.1", "",
     "NVLink SHARP (multicast in NVSwitch): found or not, groups, buffers.",
     "Some lines per communicator, one per registered buffer.",
     "NVSwitch and fabric manager problems.", ""},
    {"BOOTSTRAP", 0x1000, "2.21.5", "2.23.4 and later",
     "How ranks find each other: interface and address in use, root, time for each step.",
     "A few lines per communicator.", "Ranks that do not find each other; wrong interface.",
     "Before 2.21.5 these lines were in INIT. In 2.21.5 and 2.22.3 they are off unless named."},
    {"REG", 0x2000, "2.21.5", "", "Registration of user buffers.",
     "One line or more per registered buffer.",
     "Buffers that are not registered although the program asked for it.", ""},
    {"PROFILE", 0x4000, "2.22.3", "", "Timings of connecting, of bootstrap, profiler plugin.",
     "A few lines per communicator.", "Slow starts.", ""},
    {"RAS", 0x8000, "2.24.3", "",
     "The monitoring threads of all processes: peers that come, go or do not answer; clients on "
     "port 28028.",
     "Tens of lines per process at start and when peers change.",
     "Which process is gone, seen by the others.",
     "Bind and notification lines look alarming and are harmless when another job has the port."},
    {"DESTROY", 0x10000, "2.30.3", "", "Destroy and abort of communicators.",
     "Two lines per communicator and rank.", "Who gave up first.",
     "Before 2.30.3 these lines were in INIT."},
    {"ALLOC_HOST", 0x20000, "2.30.7", "", "Host memory that NCCL takes.",
     "One line or more per buffer.", "Memory of the process outside the framework.",
     "Was a part of ALLOC."},
    {"ALL", 0xffffffff, "2.3", "", "Everything, also subsystems of plugins.",
     "1,500 to 6,000 lines (0.2 to 0.8 MB) per rank at start, then some hundred bytes per "
     "collective.",
     "Short runs whose problem is not understood.",
     "Container logs are often rotated at 10 MiB: write to NCCL_DEBUG_FILE=/tmp/nccl.%h.%p.log "
     "instead."},
};

}  // namespace

std::span<const NcclSubsystem> nccl_subsystems() { return kSubsystems; }

const NcclSubsystem* find_nccl_subsystem(std::string_view name) {
  const std::string word = lower(name);
  for (const NcclSubsystem& s : kSubsystems) {
    if (lower(s.name) == word) return &s;
  }
  return nullptr;
}

}  // namespace rankdx
