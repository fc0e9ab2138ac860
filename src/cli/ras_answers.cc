#include "cli/ras_answers.h"

#include <unistd.h>

#include <cstdio>

#include "input/input.h"

namespace rankdx {
namespace {

constexpr size_t kMaxSaved = 64 << 20;

}  // namespace

Result<std::vector<RasReply>> saved_ras_answers(const std::vector<std::string>& paths) {
  std::vector<RasReply> out;
  std::vector<LeftOut> left_out;
  for_each_input(
      paths,
      [&](InputItem item) {
        std::string text;
        std::vector<char> block(1 << 16);
        while (text.size() < kMaxSaved) {
          const auto got = item.bytes->read(block.data(), block.size());
          if (!got || *got == 0) break;
          text.append(block.data(), *got);
        }
        for (RasAnswer& a : find_ras_answers(text)) {
          RasReply r;
          r.asked = item.name;
          r.answer = std::move(a);
          out.push_back(std::move(r));
        }
      },
      left_out);
  for (const LeftOut& l : left_out)
    std::fprintf(stderr, "rankdx: %s\n", to_string(l.error).c_str());
  if (out.empty())
    return fail(ErrorCode::Unreadable, "no RAS answer in these files", paths.front(),
                "save one with: rankdx ras HOST, or ncclras -v");
  return out;
}

Result<std::vector<RasReply>> ras_answers(const std::vector<std::string>& items) {
  std::vector<std::string> files;
  std::vector<RasAddress> addresses;
  for (const std::string& item : items) {
    if (::access(item.c_str(), F_OK) == 0)
      files.push_back(item);
    else
      addresses.push_back(RANKDX_TRY(parse_ras_address(item)));
  }
  std::vector<RasReply> out;
  if (!files.empty()) out = RANKDX_TRY(saved_ras_answers(files));
  if (addresses.empty()) return out;
  for (RasReply& r : ask_ras(addresses, {})) out.push_back(std::move(r));
  return out;
}

}  // namespace rankdx
