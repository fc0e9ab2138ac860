// One line on its way through the redactor: what may begin at a place is looked at, and hidden or
// left. Internal to the room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "redact/redactor.h"
#include "redact/secrets.h"

namespace rankdx {

/// What three bytes may be the beginning of. kHost is also the kind of everything that shares its
/// bit.
enum RedactionKind : uint8_t {
  kToken = 1,
  kName = 2,      ///< a part of the name of a setting
  kPath = 4,      ///< an address whose path is the secret
  kUserInfo = 8,  ///< scheme://user:password@host
  kAddress = 16,
  kHost = 32,
  kPlace = 64,  ///< /home/NAME, ip-10-0-0-1
  kOther = 128,
  kKeyBlock = kOther,
  kNameOfSetting = kOther,
  kValueOfSetting = kOther,
  kCommandFlag = kOther,
  kColour = kOther,
};

class RedactionPass {
 public:
  RedactionPass(Redactor& redactor, std::string_view line, std::string& out)
      : r_(redactor), line_(line), out_(out) {}

  /// Something of these kinds may begin (a name: may stand) at `at`. Places come in ascending
  /// order.
  void look(size_t at, uint8_t kinds);
  /// Copies what is left.
  void finish();

 private:
  enum class Until : uint8_t { Word, Quote, Bracket };
  struct Name {
    size_t begin, end;
  };

  bool token(size_t at);
  bool path(size_t at);
  bool user_info(size_t at);
  bool address(size_t at);
  bool host(size_t at);
  enum class Cut : uint8_t { No, Yes };
  Redactor::HostWord look_up(std::string_view word, Cut cut) const;
  bool place(size_t at);
  bool key_block(size_t at);
  bool setting(size_t at);
  bool named_value(size_t at);
  bool command_flag(size_t at);

  Name name_around(size_t at) const;
  size_t value_behind(const Name& name) const;
  bool hide_value(size_t at, std::string_view name);
  size_t end_of_value(size_t at, Until until) const;
  size_t end_of_header(std::string_view name, size_t at) const;
  bool is_of_netrc(const Name& name, size_t value) const;
  size_t past_quotes(size_t at) const;

  bool starts_word(size_t at) const;
  std::string_view rest(size_t at) const { return line_.substr(at); }
  void hide(size_t begin, size_t end, std::string_view instead, uint64_t& count);

  Redactor& r_;
  std::string_view line_;
  std::string& out_;
  size_t done_ = 0;            ///< everything before is in out_
  size_t name_seen_ = 0;       ///< end of the last name that was judged
  bool secret_named_ = false;  ///< "name": "HF_TOKEN" stands in this line
};

}  // namespace rankdx
