#include "events/json_lines.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

std::string read(std::string_view line) {
  const auto read = read_json_line(line);
  return read ? read->prefix + read->text : "none";
}

TEST(JsonLines, FormsOfEachWriter) {
  EXPECT_EQ(read(R"({"log":"n:7:9 [0] NCCL INFO \"x\"\n","stream":"stdout",)"
                 R"("time":"2026-03-19T19:40:08.123456789Z"})"),
            "2026-03-19T19:40:08.123456789Z n:7:9 [0] NCCL INFO \"x\"");
  EXPECT_EQ(read(R"({"message":"ready","podName":"vllm-0-1","containerName":"vllm"})"),
            "[pod/vllm-0-1/vllm] ready");
  EXPECT_EQ(read(R"({"@timestamp":"2026-03-19T19:40:08Z","log":"ready",)"
                 R"("kubernetes":{"pod_name":"p-0","container_name":"c"}})"),
            "[pod/p-0/c] 2026-03-19T19:40:08Z ready");
  EXPECT_EQ(read(R"({"textPayload":"ready","timestamp":"2026-03-19T19:40:08.5Z",)"
                 R"("resource":{"labels":{"pod_name":"p-0"}}})"),
            "[pod/p-0/] 2026-03-19T19:40:08.5Z ready");
  EXPECT_EQ(read(R"({"labels":{"pod":"p-0","container":"c"},"line":"ready","timestamp":"soon"})"),
            "[pod/p-0/c] ready");
  EXPECT_EQ(read(R"({"MESSAGE":"ready","_PID":"7","__REALTIME_TIMESTAMP":"1773949208000000"})"),
            "ready");
  EXPECT_EQ(read(R"({"MESSAGE":[27,91,51,54,109,111,107]})"), "\x1b[36mok");
}

TEST(JsonLines, NotALogLine) {
  for (std::string_view line :
       {"", "{", "{}", "[1]", "{\"log\":7}", "{\"log\":[256]}", "{\"log\":[\"a\"]}",
        "{\"level\":\"info\"}", "n:7:9 [0] NCCL INFO x", "{'log': 'python'}"}) {
    EXPECT_EQ(read(line), "none") << line;
  }
}

TEST(JsonLines, NamesThatCouldBeMistakenForTextAreLeftOut) {
  EXPECT_EQ(read(R"({"message":"x","podName":"a] [pod/b","containerName":"c"})"), "x");
}

TEST(JsonLines, CutAndContinuedObjects) {
  EXPECT_EQ(read(R"({"log":"n:7:9 [0] NCCL INFO Chan)"), "n:7:9 [0] NCCL INFO Chan");
  const std::string piece(16 << 10, 'x');
  EXPECT_TRUE(read_json_line(R"({"log":")" + piece + R"("})")->continues);
  EXPECT_FALSE(read_json_line(R"({"log":")" + piece + R"(\n"})")->continues);
  EXPECT_FALSE(read_json_line(R"({"log":"short"})")->continues);
}

TEST(JsonLines, ALogIsKnownByItsFirstLine) {
  EXPECT_TRUE(is_json_log("{\"log\":\"a\\n\"}\n{\"log\":\"b\\n\"}\n"));
  EXPECT_TRUE(is_json_log("{\"log\":\"a line that goes on behind the head"));
  EXPECT_FALSE(is_json_log("{\n  \"apiVersion\": \"v1\",\n"));
  EXPECT_FALSE(is_json_log("plain\n{\"log\":\"b\"}\n"));
}

}  // namespace
}  // namespace rankdx
