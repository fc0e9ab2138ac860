// One answer of "rankdx explain", before it becomes text, JSON or Markdown. A value; texts may hold
// pieces of a pasted line as they came (the renderers make them safe).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/finding.h"
#include "present/terminal.h"

namespace rankdx {

/// A labelled value. In JSON the key is the label with '_' for blanks.
using Field = std::pair<std::string, std::string>;

/// One part of a page; exactly one of the lists is filled, as `kind` says.
struct Section {
  enum class Kind : uint8_t {
    Text,     ///< paragraphs in `lines`
    List,     ///< `lines`, one item each
    Code,     ///< `lines`, log lines or commands
    Fields,   ///< `rows[0]`
    Records,  ///< `rows`: each a small set of fields, the first of which names it
    Fixes,
  };
  std::string key;      ///< JSON name, unique in the page
  std::string heading;  ///< "" = none
  Kind kind = Kind::Text;
  std::vector<std::string> lines{};
  std::vector<std::vector<Field>> rows{};
  std::vector<Fix> fixes{};
};

struct Page {
  std::string kind;   ///< "finding", "nccl-variable", "vllm-variable", "vllm-flag", "subsystem",
                      ///< "line", "list"
  std::string name;   ///< "" for lines
  std::string title;  ///< one line
  std::vector<Section> sections{};
  std::vector<Page> parts{};  ///< the messages of a pasted text

  /// The following add a section, unless there is nothing to say.
  void text(std::string key, std::string heading, std::vector<std::string> paragraphs);
  void list(std::string key, std::string heading, std::vector<std::string> items);
  void code(std::string key, std::string heading, std::vector<std::string> code_lines);
  /// Fields without a value are left out.
  void fields(std::string key, std::string heading, std::vector<Field> values);
  void records(std::string key, std::string heading, std::vector<std::vector<Field>> values);
  void fix(std::string key, std::string heading, std::vector<Fix> values);
};

std::string page_as_text(const Page& page, int width, Colour colour);
std::string page_as_json(const Page& page);
std::string page_as_markdown(const Page& page);

}  // namespace rankdx
