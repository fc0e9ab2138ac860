// redact_log [--names] LOG > out: what `rankdx collect` does to each line before it is compressed.
#include <cstdio>
#include <string>
#include <string_view>

#include "input/input.h"
#include "redact/redactor.h"

int main(int argc, char** argv) {
  const bool names = argc > 2 && std::string_view(argv[1]) == "--names";
  rankdx::Redactor redactor(names ? rankdx::Hide::NamesToo : rankdx::Hide::SecretsOnly);
  if (names) {
    for (const char* host : {"gpu-worker-01", "gpu-worker-02", "gpu-worker-03", "gpu-worker-04"})
      redactor.add_host(host);
  }
  std::vector<rankdx::LeftOut> left_out;
  std::string out;
  rankdx::for_each_input(
      {argv + argc - 1, argv + argc},
      [&](rankdx::InputItem item) {
        rankdx::LineReader reader(*item.bytes);
        (void)reader.for_each_line([&](std::string_view line) {
          redactor.redact(line, out);
          out += '\n';
          if (out.size() < rankdx::LineReader::kBlock) return;
          std::fwrite(out.data(), 1, out.size(), stdout);
          out.clear();
        });
      },
      left_out);
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fprintf(stderr, "%llu secrets, %llu hosts\n",
               static_cast<unsigned long long>(redactor.counts().secrets),
               static_cast<unsigned long long>(redactor.counts().hosts));
  return left_out.empty() ? 0 : 2;
}
