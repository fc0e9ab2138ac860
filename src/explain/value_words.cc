#include "explain/value_words.h"

#include <array>

namespace rankdx {
namespace {

struct TransportWords {
  std::string_view start;
  std::string_view holds;  ///< further on; "" = nothing more
  std::string_view says;
};

// NCCL transport/*.cc, 2.3 to 2.30.7. The first that fits counts.
constexpr TransportWords kTransports[] = {
    {"P2P/CUMEM", "",
     "Directly between two GPUs of one host, memory shared by the cuMem calls (the default from "
     "2.19). The "
     "name does not tell NVLink from PCIe: the GRAPH lines do."},
    {"P2P/IPC", "",
     "Directly between two GPUs of one host, memory shared by CUDA IPC. The name does not tell "
     "NVLink from "
     "PCIe: the GRAPH lines do."},
    {"P2P/direct pointer", "", "Directly between two GPUs of one process."},
    {"P2P/indirect", "", "Between two GPUs of one host through a third GPU."},
    {"P2P", "", "Directly between two GPUs of one host."},
    {"direct shared memory", "",
     "Through the memory of the host: the GPUs do not reach each other directly."},
    {"SHM", "",
     "Through the memory of the host: the GPUs do not reach each other directly, or P2P is "
     "switched off."},
    {"NET/Socket", "",
     "Over TCP. Between hosts this is right without RDMA; between ranks of one host it means that "
     "NCCL takes "
     "them for two hosts."},
    {"NET/IB", "/GDRDMA",
     "RDMA (InfiniBand or RoCE), the adapter reads GPU memory itself (GPUDirect)."},
    {"NET/IB", "", "RDMA (InfiniBand or RoCE), through host memory: GPUDirect is not used."},
    {"NET/", "/GDRDMA", "A network plugin, which reads GPU memory itself (GPUDirect)."},
    {"NET/", "", "A network plugin, through host memory."},
    {"COLLNET", "", "Reduction inside the network (SHARP)."},
    {"NVLS", "", "Multicast inside the NVSwitch (NVLink SHARP)."},
};

// nccl.h; 6 from 2.13, 7 from 2.14, 8 from 2.30.3.
constexpr std::array<std::string_view, 9> kResults = {
    "success",
    "a CUDA call failed (unhandled CUDA error)",
    "a system call failed (unhandled system error): socket, shared memory, RDMA",
    "internal error of NCCL",
    "an argument makes no sense (invalid argument)",
    "wrong use of NCCL (invalid usage), often settings or versions that differ",
    "a remote process failed or is gone (remote error)",
    "still in progress",
    "time limit reached",
};

constexpr std::array<std::string_view, 12> kDatatypes = {
    "int8",    "uint8",   "int32",   "uint32",   "int64",       "uint64",
    "float16", "float32", "float64", "bfloat16", "float8 e4m3", "float8 e5m2"};
constexpr std::array<std::string_view, 5> kOps = {"sum", "product", "max", "min", "average"};

template <size_t N>
std::string_view entry(const std::array<std::string_view, N>& table, int index) {
  return index >= 0 && index < static_cast<int>(N) ? table[static_cast<size_t>(index)]
                                                   : std::string_view{};
}

std::string sentence(std::string_view what, int number, std::string_view means) {
  if (means.empty()) return "";
  return std::string(what) + " " + std::to_string(number) + ": " + std::string(means) + ".";
}

}  // namespace

std::string_view transport_in_words(std::string_view transport) {
  for (const TransportWords& t : kTransports) {
    if (transport.starts_with(t.start) && transport.find(t.holds) != transport.npos) return t.says;
  }
  return {};
}

std::string_view result_in_words(int code) { return entry(kResults, code); }

std::vector<std::string> values_in_words(const Event& e) {
  switch (e.kind) {
    case EventKind::Via:
      return {std::string(transport_in_words(e.text))};
    case EventKind::Backtrace:
      return {sentence("Code", e.code, result_in_words(e.code))};
    case EventKind::CollCall:
      return {sentence("Datatype", e.datatype, entry(kDatatypes, e.datatype)),
              sentence("Op", e.op, entry(kOps, e.op)),
              "The count is in elements of the datatype; op count numbers the launches of this "
              "communicator."};
    default:
      return {};
  }
}

}  // namespace rankdx
