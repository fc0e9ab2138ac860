#include "cluster/inside.h"

#include <algorithm>

#include "base/text.h"
#include "probe/model_path.h"

namespace rankdx {
namespace {

// POSIX sh; $1 is the model directory or empty. Every part begins with a line "@@name". The server
// is the process with the lowest pid whose command line names vllm, sglang or torchrun, else
// process 1. Names of variables are filtered here, so that tokens stay inside.
constexpr std::string_view kInsideScript = R"sh(
t() { if command -v timeout >/dev/null 2>&1; then timeout 10 "$@"; else "$@"; fi; }
echo @@id; id 2>&1
echo @@gpus
if command -v nvidia-smi >/dev/null 2>&1; then t nvidia-smi --query-gpu=index,name,uuid,memory.used,memory.total --format=csv,noheader,nounits 2>&1; echo "@@gpusrc $?"; else echo @@nosmi; fi
echo @@shm; df -P -k /dev/shm 2>&1
echo @@limits; cat /proc/self/limits 2>/dev/null
p=
for d in /proc/[0-9]*; do
  case "$(tr '\0' ' ' <"$d/cmdline" 2>/dev/null)" in
    *rankdx*) ;;
    *vllm*|*sglang*|*torchrun*) n=${d#/proc/}; if [ -z "$p" ] || [ "$n" -lt "$p" ]; then p=$n; fi ;;
  esac
done
echo "@@env ${p:-1}"
(tr '\0' '\n' <"/proc/${p:-1}/environ" 2>/dev/null || { echo "@@envself"; env; }) | grep -E '^(NCCL_|GLOO_|VLLM_|TORCH|PYTORCH_|CUDA_|HF_|TRANSFORMERS_|RAY_|MASTER_|WORLD_SIZE|RANK=|LOCAL_|NVIDIA_|NVSHMEM_|LWS_|UCX_|FI_|OFI_|OMP_NUM|TP_SOCKET|LD_PRELOAD|LD_LIBRARY_PATH|PYTHON|TRITON_|@@)' | grep -viE '^[^=]*(TOKEN|SECRET|PASSW|CREDENTIAL|API_KEY|PRIVATE)'
if [ -n "$1" ]; then
  echo @@model
  if [ -e "$1" ]; then echo exists; fi
  c=0
  for f in "$1"/*; do
    [ -e "$f" ] || continue
    c=$((c+1))
    if ! [ -r "$f" ]; then echo "unreadable $f"; break; fi
  done
  if [ -e "$1" ] && ! [ -x "$1" ] && [ -d "$1" ]; then echo "unreadable $1"; fi
  echo "files $c"
fi
echo @@end
)sh";

constexpr std::string_view kNetworkScript = R"py(
import socket,sys,errno,select,time
names={errno.ECONNREFUSED:'refused',errno.EHOSTUNREACH:'no route',errno.ENETUNREACH:'no route',errno.ETIMEDOUT:'timeout'}
socks={}
for a in sys.argv[1:]:
    h,p=a.rsplit(':',1)
    s=socket.socket(socket.AF_INET6 if ':' in h else socket.AF_INET,socket.SOCK_STREAM)
    s.setblocking(False)
    e=s.connect_ex((h,int(p)))
    if e in (0,errno.EINPROGRESS): socks[s]=(h,p)
    else: print('@@reach',h,p,names.get(e,'errno %d'%e))
end=time.time()+2.0
while socks and time.time()<end:
    for s in select.select([],list(socks),[],max(0,end-time.time()))[1]:
        h,p=socks.pop(s)
        e=s.getsockopt(socket.SOL_SOCKET,socket.SO_ERROR)
        print('@@reach',h,p,'open' if e==0 else names.get(e,'errno %d'%e))
        s.close()
for h,p in socks.values(): print('@@reach',h,p,'timeout')
try:
    s=socket.create_connection(('localhost',28028),0.5)
    s.settimeout(1)
    s.sendall(b'CLIENT PROTOCOL 2\n')
    if s.recv(64).startswith(b'SERVER PROTOCOL'):
        s.sendall(b'TIMEOUT 2\n'); s.recv(64)
        s.sendall(b'VERBOSE STATUS\n'); s.settimeout(8)
        b=b''
        while len(b)<1000000:
            d=s.recv(65536)
            if not d: break
            b+=d
        print('@@ras'); sys.stdout.write(b.decode('utf-8','replace'))
except OSError: pass
print('@@end')
)py";

std::optional<int64_t> mib(std::string_view text) { return parse_int<int64_t>(trim(text)); }

/// "0, NVIDIA H100 80GB HBM3, GPU-1111, 512, 81559"
bool gpu_line(std::string_view line, Inside& inside) {
  const auto parts = split(line, ',');
  if (parts.size() < 5) return false;
  const auto index = parse_int<int>(trim(parts[0]));
  if (!index) return false;
  GpuInside g;
  g.index = *index, g.name = trim(parts[1]), g.uuid = trim(parts[2]);
  g.used_mib = mib(parts[3]), g.total_mib = mib(parts[4]);
  if (inside.gpus->size() < 256) inside.gpus->push_back(std::move(g));
  return true;
}

void id_line(std::string_view line, Inside& inside) {
  inside.user = line;
  const size_t at = line.find("uid=");
  if (at == std::string_view::npos) return;
  std::string_view digits = line.substr(at + 4);
  size_t n = 0;
  while (n < digits.size() && is_digit(digits[n])) ++n;
  inside.uid = parse_int<int64_t>(digits.substr(0, n));
}

/// "shm 65536 0 65536 0% /dev/shm"
void shm_line(std::string_view line, Inside& inside) {
  std::vector<std::string_view> words;
  for (std::string_view w : split(line, ' ')) {
    if (!w.empty()) words.push_back(w);
  }
  if (words.size() < 6 || words[5] != "/dev/shm") return;
  inside.shm_kib = parse_int<int64_t>(words[1]);
  inside.shm_free_kib = parse_int<int64_t>(words[3]);
}

/// "Max locked memory  8388608  8388608  bytes": the soft limit.
void limit_line(std::string_view line, Inside& inside) {
  auto value = [&](std::string_view name) -> std::string {
    if (!line.starts_with(name)) return "";
    std::string_view rest = trim(line.substr(name.size()));
    return std::string(take_until(rest, ' ', rest));
  };
  if (auto v = value("Max locked memory"); !v.empty()) inside.memlock = v;
  if (auto v = value("Max open files"); !v.empty()) inside.nofile = v;
}

void model_line(std::string_view line, Inside& inside) {
  if (line == "exists") inside.model_exists = true;
  if (line.starts_with("unreadable "))
    inside.model_problem = std::string(line.substr(11)) + " cannot be read by this user";
  if (line.starts_with("files "))
    inside.model_files = parse_int<int64_t>(line.substr(6)).value_or(0);
}

class InsideParser {
 public:
  explicit InsideParser(Inside& inside) : inside_(inside) {}

  void line(std::string_view line) {
    if (line.starts_with("@@")) return mark(line.substr(2));
    if (part_ == "id") id_line(line, inside_);
    if (part_ == "gpus" && !line.empty() && !gpu_line(line, inside_) &&
        inside_.gpu_problem.size() < 500)
      inside_.gpu_problem +=
          std::string(inside_.gpu_problem.empty() ? "" : "; ") + std::string(line);
    if (part_ == "shm") shm_line(line, inside_);
    if (part_ == "limits") limit_line(line, inside_);
    if (part_ == "model") model_line(line, inside_);
    if (part_ == "env" && line.find('=') != std::string_view::npos && inside_.env.size() < 500) {
      std::string_view value;
      const std::string_view name = take_until(line, '=', value);
      inside_.env[std::string(name)] = value;
    }
  }

 private:
  void mark(std::string_view mark) {
    if (mark == "nosmi") inside_.gpus.reset();
    if (mark == "envself") inside_.env_of = "container";
    if (mark == "nosmi" || mark == "envself" || mark.starts_with("gpusrc")) return;
    std::string_view rest;
    part_ = take_until(mark, ' ', rest);
    if (part_ == "gpus") inside_.gpus.emplace();
    if (part_ == "env") inside_.env_of = "process " + std::string(rest);
    if (part_ == "end") inside_.ran = true;
  }

  Inside& inside_;
  std::string part_;
};

}  // namespace

std::vector<std::string> rankdx_argv(const std::string& model_path) {
  std::vector<std::string> argv = {"rankdx", "check", "pod", "-o", "json", "--fail-on", "never"};
  if (!model_path.empty()) argv.insert(argv.end(), {"--model", model_path});
  return argv;
}

std::vector<std::string> inside_argv(const std::string& model_path) {
  return {"sh", "-c", std::string(kInsideScript), "rankdx-check", model_path};
}

std::vector<std::string> network_argv(const std::vector<std::string>& peers) {
  std::vector<std::string> argv = {"python3", "-c", std::string(kNetworkScript)};
  argv.insert(argv.end(), peers.begin(), peers.end());
  return argv;
}

void parse_inside(std::string_view text, Inside& inside) {
  InsideParser parser(inside);
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n', text);
    if (line.ends_with('\r')) line.remove_suffix(1);
    parser.line(line);
  }
}

void parse_network(std::string_view text, Inside& inside) {
  constexpr size_t kMaxPeers = 4096;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n', text);
    if (line == "@@ras") {
      inside.ras = std::string(text.substr(0, text.rfind("@@end")));
      return;
    }
    if (!line.starts_with("@@reach ") || inside.reach.size() >= kMaxPeers) continue;
    std::string_view rest = line.substr(8);
    Reach r;
    r.peer = take_until(rest, ' ', rest);
    r.port = parse_int<int>(take_until(rest, ' ', rest)).value_or(0);
    r.result = trim(rest);
    inside.reach.push_back(std::move(r));
  }
}

std::string model_path_of(const std::vector<std::string>& command,
                          const std::vector<std::string>& args) {
  // "sh -c '... vllm serve /models/x ...'" keeps the whole command in one argument.
  std::vector<std::string> words;
  for (const auto* list : {&command, &args}) {
    for (const std::string& a : *list) {
      for (std::string& w : split_words(a)) words.push_back(std::move(w));
    }
  }
  return model_of_command(words);
}

}  // namespace rankdx
