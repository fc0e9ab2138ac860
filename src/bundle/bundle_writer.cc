#include "bundle/bundle_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bundle/packed_file.h"

namespace rankdx {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kRoomForManifest = 16 << 10, kRoomPerEntry = 256, kRoomAtStart = 256 << 10;

struct CloseArchive {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct CloseEntry {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};
struct CloseDigest {
  void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
};
struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

/// A member on its way: tar wants the size in front, so it is written to an unnamed file first.
class Spool {
 public:
  Spool() : file_(std::tmpfile()), digest_(EVP_MD_CTX_new()) {
    if (digest_) EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
  }
  bool ok() const { return file_ && digest_ && std::ferror(file_.get()) == 0; }
  void write(std::string_view bytes) {
    if (!ok()) return;
    std::fwrite(bytes.data(), 1, bytes.size(), file_.get());
    EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  uint64_t size() const { return size_; }
  std::string sha256() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned length = 0;
    EVP_DigestFinal_ex(digest_.get(), bytes.data(), &length);
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
    return text;
  }
  std::FILE* rewound() {
    std::rewind(file_.get());
    return file_.get();
  }

 private:
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::unique_ptr<EVP_MD_CTX, CloseDigest> digest_;
  uint64_t size_ = 0;
};

/// Member names never leave the folder into which the archive is unpacked.
std::string safe_member_name(std::string_view name) {
  std::string out;
  for (char c : name)
    out += (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == ':') ? '_' : c;
  while (out.starts_with('/') || out.starts_with("./") || out.starts_with("../"))
    out.erase(0, out.find('/') + 1);
  for (size_t at; (at = out.find("/../")) != out.npos;) out.replace(at, 4, "/");
  return out.empty() ? "unnamed" : out;
}

}  // namespace

struct BundleWriter::Impl {
  std::unique_ptr<PackedFile> file;
  std::unique_ptr<archive, CloseArchive> out;  ///< before `file` goes
  std::string path;
  bool lacking = false;  ///< something that was there is not in the file
  Hide hide;
  Redactor redactor;
  std::vector<BundleMember> members;
  std::vector<BundleLoss> losses;

  explicit Impl(Hide what) : hide(what), redactor(what) {}

  static la_ssize_t pass_on(archive*, void* self, const void* bytes, size_t size) {
    static_cast<Impl*>(self)->file->write({static_cast<const char*>(bytes), size});
    return static_cast<la_ssize_t>(size);
  }

  Result<void> open() {
    out.reset(archive_write_new());
    archive_write_set_format_pax_restricted(out.get());
    // Nothing held back: a member is in the file when it is written.
    archive_write_set_bytes_per_block(out.get(), 0);
    if (archive_write_open(out.get(), this, nullptr, pass_on, nullptr) == ARCHIVE_OK) return {};
    return fail(ErrorCode::Internal, archive_error_string(out.get()), path);
  }

  /// The manifest's size grows with what it lists.
  uint64_t room_for_manifest() const {
    return kRoomForManifest + kRoomPerEntry * (members.size() + losses.size());
  }

  /// On failure the archive is what it was before.
  Result<void> put(const std::string& name, Spool& spool, PackedFile::Part part) {
    if (!spool.ok())
      return fail(ErrorCode::Unreadable, "cannot write to the temporary folder", path,
                  "set TMPDIR to a folder with room");
    std::unique_ptr<archive_entry, CloseEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<int64_t>(spool.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0600);
    const int header = archive_write_header(out.get(), entry.get());
    std::array<char, 1 << 16> block{};
    std::FILE* from = spool.rewound();
    for (size_t n; header >= ARCHIVE_WARN && !file->failed() &&
                   (n = std::fread(block.data(), 1, block.size(), from)) > 0;)
      archive_write_data(out.get(), block.data(), n);
    archive_write_finish_entry(out.get());
    auto ended = file->end_part(part, room_for_manifest());
    if (ended && header < ARCHIVE_WARN)
      return fail(ErrorCode::Internal, archive_error_string(out.get()), path);
    return ended;
  }

  std::string manifest() const {
    const RedactionCounts& c = redactor.counts();
    Json json = {
        {"schema", "rankdx.bundle/1"}, {"members", Json::array()}, {"missing", Json::array()}};
    for (const BundleMember& m : members) {
      json["members"].push_back({{"name", m.name},
                                 {"source", m.source},
                                 {"bytes", m.bytes},
                                 {"lines", m.lines},
                                 {"sha256", m.sha256},
                                 {"problem", m.problem.empty() ? Json(nullptr) : Json(m.problem)}});
    }
    for (const BundleLoss& l : losses)
      json["missing"].push_back({{"source", l.source}, {"why", l.why}});
    json["taken_out"] = {
        {"secrets", c.secrets}, {"addresses", c.addresses}, {"hosts", c.hosts}, {"users", c.users}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
};

BundleWriter::BundleWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BundleWriter::BundleWriter(BundleWriter&&) noexcept = default;
BundleWriter& BundleWriter::operator=(BundleWriter&&) noexcept = default;
BundleWriter::~BundleWriter() = default;

Result<BundleWriter> BundleWriter::create(const std::string& path, Hide hide) {
  auto impl = std::make_unique<Impl>(hide);
  impl->path = path;
  impl->file = RANKDX_TRY(PackedFile::create(path));
  if (auto opened = impl->open(); !opened) return tl::unexpected(opened.error());
  impl->file->reserve(kRoomAtStart);
  return BundleWriter(std::move(impl));
}

void BundleWriter::add_host(std::string_view name) {
  if (impl_->hide == Hide::NamesToo) impl_->redactor.add_host(name);
}
void BundleWriter::hide_host(std::string_view name) { impl_->redactor.add_host(name); }

Result<void> BundleWriter::add_log(const std::string& name, const std::string& source,
                                   ByteSource& bytes) {
  Spool spool;
  BundleMember member{.name = safe_member_name(impl_->redactor.redact(name)),
                      .source = impl_->redactor.redact(source)};
  LineReader reader(bytes);
  const auto read = reader.for_each_line([&](std::string_view line) {
    spool.write(impl_->redactor.redact(line));
    spool.write("\n");
    ++member.lines;
  });
  if (!read) member.problem = to_string(read.error());
  if (reader.stats().overlong)
    member.problem += fmt::format("{}{} lines of over 1 MiB were cut",
                                  member.problem.empty() ? "" : "; ", reader.stats().overlong);
  member.bytes = spool.size();
  if (const auto put = impl_->put(member.name, spool, PackedFile::Part::Ordinary); !put) {
    add_loss(member.source, put.error().text);
    impl_->lacking = true;
    return {};
  }
  member.sha256 = spool.sha256();
  impl_->members.push_back(std::move(member));
  return {};
}

Result<void> BundleWriter::add_text(const std::string& name, const std::string& source,
                                    std::string_view text) {
  auto bytes = memory_source(std::string(text));
  return add_log(name, source, *bytes);
}

void BundleWriter::add_loss(std::string source, std::string why) {
  impl_->losses.push_back({impl_->redactor.redact(source), impl_->redactor.redact(why)});
}

Result<void> BundleWriter::finish() {
  Spool spool;
  spool.write(impl_->manifest());
  auto put = impl_->put("manifest.json", spool, PackedFile::Part::Last);
  archive_write_close(impl_->out.get());
  const auto ended = impl_->file->end_part(PackedFile::Part::Last, 0);
  const auto closed = impl_->file->close();
  if (!put) return put;
  if (!ended) return ended;
  if (!closed) return closed;
  if (!impl_->lacking) return {};
  return fail(ErrorCode::Unreadable, "not everything could be written", impl_->path,
              "the manifest names what is missing");
}

const std::vector<BundleMember>& BundleWriter::members() const { return impl_->members; }
const std::vector<BundleLoss>& BundleWriter::losses() const { return impl_->losses; }
const RedactionCounts& BundleWriter::taken_out() const { return impl_->redactor.counts(); }

}  // namespace rankdx
