// Real files in a temporary directory; compressed ones are made by libarchive's writer.
#include "input/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

namespace rankdx {
namespace {

namespace fs = std::filesystem;
using Texts = std::map<std::string, std::string>;
using Members = std::vector<std::pair<std::string, std::string>>;

/// Packs through libarchive: `format` "raw" or "pax" or "zip", `filter` "gzip", "zstd" ... or
/// "none".
std::string pack(const Members& members, const char* format, const char* filter) {
  std::string out(1 << 24, '\0');
  size_t used = 0;
  archive* writer = archive_write_new();
  if (filter != std::string("none")) {
    EXPECT_EQ(archive_write_add_filter_by_name(writer, filter), ARCHIVE_OK);
  }
  EXPECT_EQ(archive_write_set_format_by_name(writer, format), ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, text] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    EXPECT_EQ(archive_write_data(writer, text.data(), text.size()),
              static_cast<la_ssize_t>(text.size()));
    archive_entry_free(entry);
  }
  archive_write_free(writer);
  out.resize(used);
  return out;
}

std::string squeeze(const std::string& text, const char* filter) {
  return pack({{"x", text}}, "raw", filter);
}

/// A log of `lines` different lines that does not compress to nothing.
std::string log_text(size_t lines) {
  std::string text;
  for (size_t i = 0; i < lines; ++i) {
    text +=
        "node:71:90 [0] NCCL INFO comm 0x" + std::to_string(i * 2654435761u % 1000003) + " rank\n";
  }
  return text;
}

class Input : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("rankdx_input_" + std::to_string(getpid()));
    fs::create_directories(root_);
    fs::current_path(root_);
  }
  void TearDown() override {
    fs::current_path("/");
    fs::remove_all(root_);
  }
  void write(const std::string& path, const std::string& bytes) {
    if (path.find('/') != path.npos) fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  /// Reads all items: their names and contents. What was left out lands in left_out_ as "place:
  /// text".
  Texts read(const std::vector<std::string>& paths) {
    Texts texts;
    names_.clear();
    left_out_.clear();
    std::vector<LeftOut> left_out;
    for_each_input(
        paths,
        [&](InputItem item) {
          std::string& text = texts[item.name];
          names_.push_back(item.name);
          char block[1000];
          while (true) {
            const auto got = item.bytes->read(block, sizeof block);
            if (!got || *got == 0) break;
            text.append(block, *got);
          }
        },
        left_out);
    for (const LeftOut& left : left_out) {
      left_out_.push_back(left.error.place + ": " + left.error.text);
      EXPECT_FALSE(left.error.hint.empty()) << left.error.text;
    }
    return texts;
  }

  fs::path root_;
  std::vector<std::string> names_, left_out_;
};
using Strings = std::vector<std::string>;

TEST_F(Input, PlainFilesInTheOrderGiven) {
  write("b.log", "b\n");
  write("a.log", "a\n");
  EXPECT_EQ(read({"b.log", "a.log", "./b.log"}), (Texts{{"b.log", "b\n"}, {"a.log", "a\n"}}));
  EXPECT_EQ(names_, (Strings{"b.log", "a.log"}));
  EXPECT_EQ(left_out_, Strings{});
}

TEST_F(Input, EveryCompressionByContent) {
  const std::string text = log_text(5000);
  for (const char* filter : {"gzip", "zstd", "xz", "bzip2", "lz4"}) {
    write("rank0.log", squeeze(text, filter));
    EXPECT_EQ(read({"rank0.log"}), (Texts{{"rank0.log", text}})) << filter;
    EXPECT_EQ(left_out_, Strings{}) << filter;
  }
  write("twice.gz", squeeze(squeeze(text, "gzip"), "gzip"));
  EXPECT_EQ(read({"twice.gz"}), (Texts{{"twice.gz", text}}));
  write("two.gz", squeeze("a\n", "gzip") + squeeze("b\n", "gzip"));
  EXPECT_EQ(read({"two.gz"}), (Texts{{"two.gz", "a\nb\n"}}));
}

TEST_F(Input, BundlesInEveryCompression) {
  const Members members = {{"logs/rank0.log", "zero\n"},
                           {"logs/rank1.log.gz", squeeze("one\n", "gzip")},
                           {"logs/labels.json", "{}"},
                           {"logs/._rank0.log", "apple\n"},
                           {"inner.tar", pack({{"r.log", "inner\n"}}, "pax", "none")}};
  const Texts texts = {{"b:logs/rank0.log", "zero\n"},
                       {"b:logs/rank1.log.gz", "one\n"},
                       {"b:inner.tar:r.log", "inner\n"}};
  for (const char* filter : {"none", "gzip", "zstd", "xz", "bzip2"}) {
    for (const char* format : {"pax", "gnutar", "zip"}) {
      write("b", pack(members, format, filter));
      EXPECT_EQ(read({"b"}), texts) << format << " " << filter;
      EXPECT_EQ(left_out_, Strings{}) << format << " " << filter;
    }
  }
}

TEST_F(Input, MembersThatAreNoLogs) {
  write("b.tar", pack({{"empty.log", ""}, {"core", std::string(5000, '\0')}, {"ok.log", "x\n"}},
                      "pax", "none"));
  EXPECT_EQ(read({"b.tar"}), (Texts{{"b.tar:ok.log", "x\n"}}));
  EXPECT_EQ(left_out_, (Strings{"b.tar:empty.log: is empty", "b.tar:core: is binary, not a log"}));
  write("none.tar", pack({{"a.json", "{}"}}, "pax", "none"));
  EXPECT_EQ(read({"none.tar"}), Texts{});
  EXPECT_EQ(left_out_, (Strings{"none.tar: holds no logs"}));
}

TEST_F(Input, BundlesTooDeep) {
  std::string bundle = "deep\n";
  for (int i = 0; i < 8; ++i) bundle = pack({{"b", bundle}}, "pax", "none");
  write("b", bundle);
  EXPECT_EQ(read({"b"}), Texts{});
  EXPECT_EQ(left_out_, (Strings{"b:b:b:b:b:b:b: is a bundle too deep in other bundles"}));
}

TEST_F(Input, ManyBadMembersAreSummedUp) {
  Members members;
  for (int i = 0; i < 150; ++i) members.push_back({"m" + std::to_string(i), ""});
  write("b.tar", pack(members, "pax", "none"));
  EXPECT_EQ(read({"b.tar"}), Texts{});
  ASSERT_EQ(left_out_.size(), 101u);
  EXPECT_EQ(left_out_.back(), "b.tar: 50 more of its members were left out");
}

TEST_F(Input, BrokenCompressionGivesWhatCameBefore) {
  const std::string text = log_text(60'000);
  for (const char* filter : {"gzip", "zstd", "xz", "bzip2"}) {
    const std::string whole = squeeze(text, filter);
    write("cut", whole.substr(0, whole.size() * 3 / 4));
    const std::string got = read({"cut"})["cut"];
    EXPECT_GT(got.size(), text.size() / 4) << filter;
    EXPECT_TRUE(text.starts_with(got)) << filter;
    ASSERT_EQ(left_out_.size(), 1u) << filter;
    EXPECT_TRUE(left_out_[0].starts_with("cut: is ")) << left_out_[0];
  }
  write("short.gz", squeeze(text, "gzip").substr(0, 8));
  EXPECT_EQ(read({"short.gz"}), Texts{});
  EXPECT_EQ(left_out_.size(), 1u);
}

TEST_F(Input, ShortCutStreamsGiveTheirLastLines) {
  const std::string text = log_text(300);
  for (const char* filter : {"gzip", "xz"}) {
    const std::string whole = squeeze(text, filter);
    write("cut", whole.substr(0, whole.size() * 3 / 4));
    const std::string got = read({"cut"})["cut"];
    EXPECT_GT(got.size(), text.size() / 2) << filter;
    EXPECT_TRUE(text.starts_with(got)) << filter;
    EXPECT_EQ(left_out_, (Strings{"cut: is cut off in its " + std::string(filter) + " data"}));
  }
}

TEST_F(Input, DamageInTheMiddle) {
  const std::string text = log_text(60'000);
  for (const char* filter : {"gzip", "zstd", "xz"}) {
    std::string bytes = squeeze(text, filter);
    bytes.replace(bytes.size() / 2, 100, 100, '\x55');
    write("damaged", bytes);
    EXPECT_GT(read({"damaged"})["damaged"].size(), text.size() / 4) << filter;
    EXPECT_EQ(left_out_, (Strings{"damaged: holds broken " + std::string(filter) + " data"}));
  }
}

TEST_F(Input, WhatFollowsACompressedStreamIsIgnored) {
  for (const char* filter : {"gzip", "zstd", "xz"}) {
    write("padded", squeeze("a\n", filter) + squeeze("b\n", filter) + std::string(512, '\0'));
    EXPECT_EQ(read({"padded"}), (Texts{{"padded", "a\nb\n"}})) << filter;
    EXPECT_EQ(left_out_, Strings{}) << filter;
  }
}

TEST_F(Input, CutBundleGivesItsMembers) {
  const std::string text = log_text(20'000);
  const std::string whole = pack({{"a.log", text}, {"b.log", text}}, "pax", "none");
  write("b.tar", whole.substr(0, whole.size() * 3 / 4));
  const Texts got = read({"b.tar"});
  EXPECT_TRUE(got.at("b.tar:a.log") == text);
  EXPECT_TRUE(text.starts_with(got.at("b.tar:b.log")) && !got.at("b.tar:b.log").empty());
  EXPECT_EQ(left_out_.size(), 1u);
}

TEST_F(Input, DirectoriesInNameOrder) {
  write("d/b.log", "b\n");
  write("d/a/z.log", "z\n");
  write("d/a/y", "y\n");
  write("d/.hidden", "h\n");
  write("d/.git/config", "h\n");
  write("d/labels.json", "{}\n");
  write("d/run.py", "print()\n");
  fs::create_symlink("b.log", "d/link.log");
  fs::create_directory_symlink(".", "d/loop");
  mkfifo("d/fifo", 0600);
  EXPECT_EQ(read({"d"}), (Texts{{"d/a/y", "y\n"}, {"d/a/z.log", "z\n"}, {"d/b.log", "b\n"}}));
  EXPECT_EQ(names_, (Strings{"d/a/y", "d/a/z.log", "d/b.log"}));
  EXPECT_EQ(left_out_, Strings{});
  EXPECT_EQ(read({"d/", "d/labels.json", "d/b.log"}).count("d/labels.json"), 1u);
}

TEST_F(Input, BadPaths) {
  write("empty", "");
  write("e/x.json", "{}");
  write("binary", std::string("\x7f"
                              "ELF\0\0\0\0",
                              8));
  write("utf16", std::string("\xff\xfe"
                             "a\0\n\0",
                             6));
  fs::create_symlink("self", "self");
  fs::create_directories("g");
  fs::create_symlink("gone", "g/dangling");
  write("ok", "ok\n");
  EXPECT_EQ(read({"missing", "empty", "e", "binary", "utf16", "self", "g", "ok/x", "ok"}),
            (Texts{{"ok", "ok\n"}}));
  EXPECT_EQ(left_out_,
            (Strings{"missing: does not exist", "e: holds no logs",
                     "self: is a loop of symbolic links", "g/dangling: does not exist",
                     "ok/x: does not exist", "empty: is empty", "binary: is binary, not a log",
                     "utf16: is UTF-16 text, as PowerShell's > writes it"}));
}

TEST_F(Input, UnreadableFilesAndDirectories) {
  write("a", "a\n");
  write("d/b", "b\n");
  chmod("a", 0);
  chmod("d", 0);
  constexpr uid_t kNobody = 65534;
  const uid_t self = geteuid();
  ASSERT_EQ(seteuid(self == 0 ? kNobody : self), 0);  // root may read everything
  EXPECT_EQ(read({"a", "d"}), Texts{});
  ASSERT_EQ(seteuid(self), 0);
  EXPECT_EQ(left_out_, (Strings{"d: may not be read", "a: may not be read"}));
  chmod("d", 0700);
}

TEST_F(Input, VanishedFile) {
  write("d/a", "a\n");
  std::vector<LeftOut> left_out;
  const std::vector<InputPath> inputs = list_inputs({"d"}, left_out);
  ASSERT_EQ(inputs.size(), 1u);
  fs::remove("d/a");
  mkfifo("d/a", 0600);  // must not be waited for
  open_input(
      inputs[0], [](InputItem) { FAIL(); }, left_out);
  fs::remove("d/a");
  open_input(
      inputs[0], [](InputItem) { FAIL(); }, left_out);
  ASSERT_EQ(left_out.size(), 2u);
  EXPECT_EQ(left_out[0].error.text, "is no regular file any more");
  EXPECT_EQ(left_out[1].error.text, "does not exist");
}

TEST_F(Input, Globs) {
  write("l/a1.log", "1\n");
  write("l/a2.log", "2\n");
  write("l/b.txt", "b\n");
  write("odd[1].log", "odd\n");
  EXPECT_EQ(read({"l/a*.log"}), (Texts{{"l/a1.log", "1\n"}, {"l/a2.log", "2\n"}}));
  EXPECT_EQ(read({"?"}).size(), 3u);
  EXPECT_EQ(read({"odd[1].log"}), (Texts{{"odd[1].log", "odd\n"}}));
  EXPECT_EQ(read({"l/z*"}), Texts{});
  EXPECT_EQ(left_out_, (Strings{"l/z*: matches no file"}));
}

TEST_F(Input, FifoAndStandardInput) {
  mkfifo("fifo", 0600);
  std::thread writer([] { std::ofstream("fifo") << "from a fifo\n"; });
  EXPECT_EQ(read({"fifo"}), (Texts{{"fifo", "from a fifo\n"}}));
  writer.join();
  write("in", squeeze("from stdin\n", "gzip"));
  const int saved = dup(STDIN_FILENO);
  const int in = open("in", O_RDONLY);
  dup2(in, STDIN_FILENO);
  EXPECT_EQ(read({"-", "-"}), (Texts{{"<stdin>", "from stdin\n"}}));
  lseek(STDIN_FILENO, 0, SEEK_SET);
  EXPECT_EQ(read({}), (Texts{{"<stdin>", "from stdin\n"}}));
  dup2(saved, STDIN_FILENO);
  close(in);
  close(saved);
}

TEST_F(Input, FactsPassThrough) {
  const std::string facts = "RDXF" + std::string(100, '\0');
  write("node.facts", facts);
  EXPECT_EQ(read({"node.facts"}), (Texts{{"node.facts", facts}}));
}

TEST_F(Input, HoleAtTheBeginning) {
  write("rotated.log", "");
  fs::resize_file("rotated.log", 1 << 20);
  std::ofstream("rotated.log", std::ios::app) << "after the hole\n";
  const std::string text = read({"rotated.log"})["rotated.log"];
  EXPECT_TRUE(text.ends_with("after the hole\n"));
}

}  // namespace
}  // namespace rankdx
