#include "input/decoder.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace rankdx {
namespace {

using namespace std::string_view_literals;

constexpr size_t kPackedBlock = 1 << 16;           ///< bytes of packed data read at a time
constexpr uint64_t kXzMemoryBytes = 128ULL << 20;  ///< the default window of xz -9 is 64 MiB
constexpr int kZstdWindowLog = 27;                 ///< 128 MiB, what the zstd tool accepts

/// Packed bytes that are left, and room for unpacked ones.
struct Step {
  std::string_view in;
  char* out;
  size_t room;
};

class Codec {
 public:
  enum class Outcome : uint8_t { Going, StreamEnd, Broken };
  virtual ~Codec() = default;
  /// Makes ready for a stream; false without memory.
  virtual bool start() = 0;
  /// Consumes and produces as much as it can.
  virtual Outcome step(Step& step) = 0;
};

class GzipCodec : public Codec {
 public:
  ~GzipCodec() override { inflateEnd(&stream_); }
  bool start() override {
    inflateEnd(&stream_);
    stream_ = {};
    constexpr int kGzipOnly = 15 + 16;
    return inflateInit2(&stream_, kGzipOnly) == Z_OK;
  }
  Outcome step(Step& step) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(step.in.data()));
    stream_.avail_in = static_cast<uInt>(step.in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(step.out);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(step.room, 1U << 30));
    const size_t room = stream_.avail_out;
    const int got = inflate(&stream_, Z_NO_FLUSH);
    step.in.remove_prefix(step.in.size() - stream_.avail_in);
    step.out += room - stream_.avail_out;
    if (got == Z_STREAM_END) return Outcome::StreamEnd;
    return got == Z_OK || got == Z_BUF_ERROR ? Outcome::Going : Outcome::Broken;
  }

 private:
  z_stream stream_{};
};

class ZstdCodec : public Codec {
 public:
  ~ZstdCodec() override { ZSTD_freeDStream(stream_); }
  bool start() override {
    if (stream_ == nullptr) stream_ = ZSTD_createDStream();
    if (stream_ == nullptr) return false;
    ZSTD_DCtx_reset(stream_, ZSTD_reset_session_only);
    return ZSTD_isError(ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kZstdWindowLog)) == 0;
  }
  Outcome step(Step& step) override {
    ZSTD_inBuffer in{step.in.data(), step.in.size(), 0};
    ZSTD_outBuffer out{step.out, step.room, 0};
    const size_t got = ZSTD_decompressStream(stream_, &out, &in);
    step.in.remove_prefix(in.pos);
    step.out += out.pos;
    if (ZSTD_isError(got) != 0) return Outcome::Broken;
    return got == 0 ? Outcome::StreamEnd : Outcome::Going;
  }

 private:
  ZSTD_DStream* stream_ = nullptr;
};

class XzCodec : public Codec {
 public:
  ~XzCodec() override { lzma_end(&stream_); }
  bool start() override { return lzma_stream_decoder(&stream_, kXzMemoryBytes, 0) == LZMA_OK; }
  Outcome step(Step& step) override {
    stream_.next_in = reinterpret_cast<const uint8_t*>(step.in.data());
    stream_.avail_in = step.in.size();
    stream_.next_out = reinterpret_cast<uint8_t*>(step.out);
    stream_.avail_out = step.room;
    const lzma_ret got = lzma_code(&stream_, LZMA_RUN);
    step.in.remove_prefix(step.in.size() - stream_.avail_in);
    step.out = reinterpret_cast<char*>(stream_.next_out);
    if (got == LZMA_STREAM_END) return Outcome::StreamEnd;
    return got == LZMA_OK || got == LZMA_BUF_ERROR ? Outcome::Going : Outcome::Broken;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

struct Kind {
  std::string_view magic;
  const char* name;
  std::unique_ptr<Codec> (*make)();
};
template <class T>
std::unique_ptr<Codec> make_codec() {
  return std::make_unique<T>();
}
constexpr Kind kKinds[] = {
    {"\x1f\x8b"sv, "gzip", make_codec<GzipCodec>},
    {"\x28\xb5\x2f\xfd"sv, "zstd", make_codec<ZstdCodec>},
    {"\xfd"
     "7zXZ\0"sv,
     "xz", make_codec<XzCodec>},
};

class DecodedSource : public ByteSource {
 public:
  DecodedSource(const Kind& kind, std::unique_ptr<ByteSource> packed)
      : kind_(kind), codec_(kind.make()), packed_(std::move(packed)), block_(kPackedBlock) {}

  Result<size_t> read(char* buffer, size_t size) override {
    while (state_ != State::Ended && size > 0) {
      if (state_ == State::Between && !start_stream()) continue;
      if (in_.empty()) refill();
      Step step{in_, buffer, size};
      const Codec::Outcome outcome = codec_->step(step);
      const bool stuck = step.out == buffer && step.in.size() == in_.size();
      in_ = step.in;
      if (outcome == Codec::Outcome::StreamEnd) state_ = State::Between;
      if (outcome == Codec::Outcome::Broken) end_with("holds broken");
      if (outcome == Codec::Outcome::Going && stuck && in_ended_) end_with("is cut off in its");
      if (step.out != buffer) return static_cast<size_t>(step.out - buffer);
    }
    if (error_) return tl::unexpected(*std::exchange(error_, std::nullopt));
    return 0;
  }

 private:
  enum class State : uint8_t { Between, InStream, Ended };

  /// Begins the next stream if there is one.
  bool start_stream() {
    while (in_.size() < kind_.magic.size() && !in_ended_) refill();
    const bool another = in_.starts_with(kind_.magic);
    state_ = another ? State::InStream : State::Ended;
    if (!another && read_error_) error_ = read_error_;
    if (another && !codec_->start()) end_with("needs too much memory to unpack its");
    return state_ == State::InStream;
  }

  void refill() {
    std::memmove(block_.data(), in_.data(), in_.size());
    const Result<size_t> got =
        packed_->read(block_.data() + in_.size(), block_.size() - in_.size());
    if (!got) read_error_ = got.error();
    in_ended_ = got.value_or(0) == 0;
    in_ = {block_.data(), in_.size() + got.value_or(0)};
  }

  void end_with(const char* what) {
    state_ = State::Ended;
    error_ = read_error_;
    if (error_) return;
    error_ = Error{ErrorCode::Corrupt, std::string(what) + " " + kind_.name + " data", "",
                   "what came before is used; fetch the file again for the rest"};
  }

  const Kind& kind_;
  std::unique_ptr<Codec> codec_;
  std::unique_ptr<ByteSource> packed_;
  std::vector<char> block_;
  std::string_view in_;  ///< into block_
  bool in_ended_ = false;
  State state_ = State::Between;
  std::optional<Error> read_error_;  ///< of the packed source
  std::optional<Error> error_;       ///< to be returned once everything is delivered
};

}  // namespace

std::unique_ptr<ByteSource> decoded_source(std::string_view head,
                                           std::unique_ptr<ByteSource>& packed) {
  for (const Kind& kind : kKinds) {
    if (head.starts_with(kind.magic)) {
      return std::make_unique<DecodedSource>(kind, std::move(packed));
    }
  }
  return nullptr;
}

}  // namespace rankdx
