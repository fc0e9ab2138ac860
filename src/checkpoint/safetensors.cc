#include "checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "checkpoint/json_scanner.h"
#include "checkpoint/name_set.h"

namespace rankdx {

namespace {

constexpr uint64_t kLengthBytes = 8;

tl::unexpected<SafetensorsError> refuse(SafetensorsFault fault, std::string text,
                                        std::string_view tensor = {}) {
  SafetensorsError e;
  e.fault = fault;
  e.text = std::move(text);
  e.tensor = tensor;
  return tl::unexpected(std::move(e));
}

tl::unexpected<SafetensorsError> refuse_size(SafetensorsFault fault, std::string text,
                                             uint64_t expected, uint64_t file_bytes) {
  SafetensorsError e{fault, std::move(text), {}, 0, 0, expected, file_bytes};
  return tl::unexpected(std::move(e));
}

}  // namespace

std::string_view to_string(SafetensorsFault fault) {
  static constexpr std::string_view kNames[] = {
      "header-too-small", "header-too-large", "header-length", "header-utf8", "header-json",
      "offset",           "overflow",         "misaligned",    "tensor-size", "not-covered"};
  return kNames[static_cast<size_t>(fault)];
}

// Sizes: `Dtype::bitsize` of the crate; releases: its change log.
const std::vector<SafetensorsDtype>& safetensors_dtypes() {
  static const std::vector<SafetensorsDtype> table = {
      {"BF16", 16, ""},
      {"BOOL", 8, ""},
      {"C64", 64, "0.7.0"},
      {"F16", 16, ""},
      {"F32", 32, ""},
      {"F4", 4, "0.6.0"},
      {"F64", 64, ""},
      {"F6_E2M3", 6, "0.6.0"},
      {"F6_E3M2", 6, "0.6.0"},
      {"F8_E4M3", 8, "0.4.0"},
      {"F8_E4M3FNUZ", 8, "0.8.0"},
      {"F8_E5M2", 8, "0.4.0"},
      {"F8_E5M2FNUZ", 8, "0.8.0"},
      {"F8_E8M0", 8, "0.6.0"},
      {"I16", 16, ""},
      {"I32", 32, ""},
      {"I64", 64, ""},
      {"I8", 8, ""},
      {"U16", 16, ""},
      {"U32", 32, ""},
      {"U64", 64, ""},
      {"U8", 8, ""},
  };
  return table;
}

const SafetensorsDtype* safetensors_dtype(std::string_view name) {
  const auto& table = safetensors_dtypes();
  const auto it = std::lower_bound(table.begin(), table.end(), name,
                                   [](const auto& row, auto key) { return row.name < key; });
  return it != table.end() && it->name == name ? &*it : nullptr;
}

/// Reads the JSON as the crate's derived deserialisers do. What they take beyond the documented
/// form is taken too: a tensor as a list of its three fields, a dtype as {"F32": null}, unknown
/// fields, a repeated tensor (the last counts).
struct SafetensorsReader {
  JsonScanner json;
  SafetensorsHeader header;
  bool has_metadata = false;

  explicit SafetensorsReader(std::string_view text) : json(text, JsonDialect::Strict) {}

  bool size(uint64_t& value) {
    if (json.plain_integer(value)) return true;
    JsonNumber number;
    if (json.peek() != JsonType::Number) return json.fail("invalid type, expected usize");
    if (!json.number(number)) return false;
    if (!number.integer || number.negative) return json.fail("invalid value, expected usize");
    value = number.magnitude;
    return true;
  }

  bool dtype(const SafetensorsDtype*& value) {
    std::string_view name;
    if (json.peek() == JsonType::Object) {
      std::string_view other;
      if (!json.begin_object()) return false;
      if (!json.next_member(name)) return json.fail("invalid value, expected a dtype");
      if (json.peek() == JsonType::Object) {
        if (!json.begin_object()) return false;
        if (json.next_member(other)) return json.fail("invalid type, expected unit");
        if (json.failed()) return false;
      } else if (json.peek() != JsonType::Null) {
        return json.fail("invalid type, expected unit");
      } else if (!json.literal()) {
        return false;
      }
      if (json.next_member(other)) return json.fail("invalid value, expected a single dtype");
      if (json.failed()) return false;
    } else if (!json.string(name)) {
      return false;
    }
    value = safetensors_dtype(name);
    return value != nullptr || json.fail("unknown variant, expected a dtype");
  }

  bool shape(HeaderTensor& tensor) {
    if (!json.begin_array()) return false;
    tensor.first_dim = static_cast<uint32_t>(header.dims_.size());
    uint64_t dim = 0;
    while (json.next_element()) {
      if (!size(dim)) return false;
      header.dims_.push_back(dim);
    }
    tensor.dims = static_cast<uint32_t>(header.dims_.size()) - tensor.first_dim;
    return !json.failed();
  }

  bool offsets(HeaderTensor& tensor) {
    if (!json.begin_array()) return false;
    for (uint64_t* bound : {&tensor.begin, &tensor.end}) {
      if (!json.next_element()) return json.fail("invalid length, expected a tuple of size 2");
      if (!size(*bound)) return false;
    }
    return json.next_element() ? json.fail("invalid length, expected a tuple of size 2")
                               : !json.failed();
  }

  bool field(unsigned index, HeaderTensor& tensor) {
    return index == 0 ? dtype(tensor.dtype) : index == 1 ? shape(tensor) : offsets(tensor);
  }

  bool tensor(HeaderTensor& tensor) {
    unsigned seen = 0;
    if (json.peek() == JsonType::Array) {
      if (!json.begin_array()) return false;
      for (unsigned i = 0; i < 3; ++i) {
        if (!json.next_element()) return json.fail("invalid length, expected struct TensorInfo");
        if (!field(i, tensor)) return false;
      }
      return json.next_element() ? json.fail("invalid length, expected struct TensorInfo")
                                 : !json.failed();
    }
    if (json.peek() != JsonType::Object)
      return json.fail("invalid type, expected struct TensorInfo");
    if (!json.begin_object()) return false;
    std::string_view key;
    while (json.next_member(key)) {
      const unsigned index = key == "dtype"          ? 0
                             : key == "shape"        ? 1
                             : key == "data_offsets" ? 2
                                                     : 3;
      if (index == 3) {
        if (!json.skip()) return false;
        continue;
      }
      if ((seen & 1u << index) != 0) return json.fail("duplicate field");
      seen |= 1u << index;
      if (!field(index, tensor)) return false;
    }
    if (json.failed()) return false;
    if ((seen & 1) == 0) return json.fail("missing field `dtype`");
    if ((seen & 2) == 0) return json.fail("missing field `shape`");
    if ((seen & 4) == 0) return json.fail("missing field `data_offsets`");
    return true;
  }

  bool metadata() {
    if (has_metadata) return json.fail("duplicate field `__metadata__`");
    has_metadata = true;
    if (json.peek() == JsonType::Null) return json.literal();
    if (json.peek() != JsonType::Object) return json.fail("invalid type, expected a map");
    if (!json.begin_object()) return false;
    std::string_view key, value;
    while (json.next_member(key)) {
      if (json.peek() != JsonType::String) return json.fail("invalid type, expected a string");
      if (!json.string(value)) return false;
      header.metadata.emplace_back(key, value);
    }
    return !json.failed();
  }

  bool all() {
    if (json.peek() == JsonType::End) return json.fail("EOF while parsing a value");
    if (!json.begin_object()) return false;
    std::string_view key;
    while (json.next_member(key)) {
      if (key == "__metadata__") {
        if (!metadata()) return false;
        continue;
      }
      HeaderTensor t;
      t.name = key;
      if (!tensor(t)) return false;
      if (const auto earlier =
              header.names_.insert(key, static_cast<uint32_t>(header.tensors.size()))) {
        header.tensors[*earlier] = t;
      } else {
        header.tensors.push_back(t);
      }
    }
    if (json.failed() || !json.end()) return false;
    header.decoded_ = json.take_decoded();
    return true;
  }

  /// An entry of a real header takes over 100 bytes; short ones make the vectors grow.
  void reserve(uint64_t header_bytes) {
    header.header_bytes = header_bytes;
    header.tensors.reserve(header_bytes / 96);
    header.dims_.reserve(header_bytes / 48);
    header.names_.reserve(header_bytes / 128);
  }

  void keep(std::shared_ptr<const char[]> text) { header.text_ = std::move(text); }

  void sort() {
    auto& tensors = header.tensors;
    const auto by_offset = [](const HeaderTensor& a, const HeaderTensor& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    };
    if (std::is_sorted(tensors.begin(), tensors.end(), by_offset)) return;
    std::stable_sort(tensors.begin(), tensors.end(), by_offset);
    header.names_ = NameSet();
    for (uint32_t i = 0; i < tensors.size(); ++i) header.names_.insert(tensors[i].name, i);
  }

  std::optional<SafetensorsError> validate() {
    const auto failed = [](SafetensorsFault fault, std::string text, std::string_view name) {
      return std::optional(refuse(fault, std::move(text), name).value());
    };
    uint64_t start = 0;
    for (const HeaderTensor& t : header.tensors) {
      if (t.begin != start || t.end < t.begin)
        return failed(SafetensorsFault::Offset,
                      "invalid offset for tensor `" + std::string(t.name) + "`", t.name);
      start = t.end;
      const uint64_t* dims = header.dims_begin(t);
      uint64_t bits = 1;
      bool overflow = false;
      for (uint32_t i = 0; i < t.dims && !overflow; ++i)
        overflow = __builtin_mul_overflow(bits, dims[i], &bits);
      overflow = overflow || __builtin_mul_overflow(bits, uint64_t{t.dtype->bits}, &bits);
      if (overflow)
        return failed(SafetensorsFault::Overflow,
                      "overflow computing buffer size from shape and/or element type", t.name);
      if (bits % 8 != 0)
        return failed(SafetensorsFault::Misaligned,
                      "the elements of the tensor do not fill whole bytes", t.name);
      if (t.bytes() != bits / 8)
        return failed(SafetensorsFault::TensorSize,
                      "invalid shape, data type, or offset for tensor", t.name);
    }
    header.data_bytes = start;
    return std::nullopt;
  }
};

tl::expected<uint64_t, SafetensorsError> safetensors_header_length(std::string_view first,
                                                                   uint64_t file_bytes) {
  if (file_bytes < kLengthBytes || first.size() < kLengthBytes)
    return refuse(SafetensorsFault::HeaderTooSmall, "header too small");
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(first[i]);
  if (length > SafetensorsHeader::kMostHeaderBytes)
    return refuse(SafetensorsFault::HeaderTooLarge, "header too large");
  if (kLengthBytes + length > file_bytes)
    return refuse_size(SafetensorsFault::HeaderLength, "invalid header length",
                       kLengthBytes + length, file_bytes);
  return length;
}

SafetensorsResult parse_safetensors_header(std::shared_ptr<const char[]> text,
                                           uint64_t header_bytes, uint64_t file_bytes) {
  const std::string_view json(text.get(), header_bytes);
  if (const size_t bad = first_invalid_utf8(json); bad != std::string_view::npos)
    return refuse(SafetensorsFault::HeaderUtf8,
                  "invalid UTF-8 in header: invalid byte at index " + std::to_string(bad));
  SafetensorsReader reader(json);
  reader.reserve(header_bytes);
  if (!reader.all()) {
    const JsonError error = reader.json.error();
    auto e =
        refuse(SafetensorsFault::HeaderJson, "invalid JSON in header: " + error.text + " at line " +
                                                 std::to_string(error.place.line) + " column " +
                                                 std::to_string(error.place.column));
    e.value().line = error.place.line;
    e.value().column = error.place.column;
    return e;
  }
  reader.sort();
  if (auto error = reader.validate()) return tl::unexpected(std::move(*error));
  uint64_t expected = 0;
  if (__builtin_add_overflow(reader.header.data_bytes, kLengthBytes + header_bytes, &expected))
    expected = UINT64_MAX;
  if (expected != file_bytes)
    return refuse_size(SafetensorsFault::NotCovered, "incomplete metadata, file not fully covered",
                       expected, file_bytes);
  reader.keep(std::move(text));
  return std::move(reader.header);
}

SafetensorsResult parse_safetensors(std::string_view file, uint64_t file_bytes) {
  const auto length = safetensors_header_length(file, std::max<uint64_t>(file_bytes, file.size()));
  if (!length) return tl::unexpected(length.error());
  if (file.size() < kLengthBytes + *length)
    return refuse_size(SafetensorsFault::HeaderLength, "invalid header length",
                       kLengthBytes + *length, file.size());
  std::shared_ptr<char[]> text(new char[*length + 1]);
  std::memcpy(text.get(), file.data() + kLengthBytes, *length);
  return parse_safetensors_header(std::move(text), *length, file_bytes);
}

}  // namespace rankdx
