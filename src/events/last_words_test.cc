#include "events/last_words.h"

#include <gtest/gtest.h>

#include <string>

namespace rankdx {
namespace {

std::string told(std::string_view body) {
  const auto death = death_of(body);
  if (!death) return "none";
  return std::string(death->word) + "|" + std::to_string(death->signal) + "|" +
         std::to_string(death->exit_code);
}

struct Case {
  const char* body;
  const char* want;
};

TEST(LastWords, HowAProgramEnded) {
  const Case cases[] = {
      {"Killed", "Killed|9|-1"},
      {"Killed: 9", "Killed|9|-1"},
      {"Terminated", "Terminated|15|-1"},
      {"Aborted (core dumped)", "Aborted|6|-1"},
      {"Segmentation fault (core dumped)", "Segmentation fault|11|-1"},
      {"Bus error", "Bus error|7|-1"},
      {"serve.sh: line 12:  4711 Killed                  python -m server", "Killed|9|-1"},
      {"[1]+  4711 Aborted                 ./rank", "Aborted|6|-1"},
      {"srun: error: node-b: task 3: Killed", "Killed|9|-1"},
      {"rank 3 exited on signal 9 (Killed).", "Killed|9|-1"},
      {"FATAL: server ended with exit status 3", "exit status 3|0|3"},
      {"exit code 139", "exit code 139|11|139"},
      {"command terminated with exit code 137", "exit code 137|9|137"},
      {"process exited, exitcode: -6", "exitcode: -6|6|-6"},
  };
  for (const Case& c : cases) EXPECT_EQ(told(c.body), c.want) << c.body;
}

TEST(LastWords, OtherLinesAreNone) {
  const char* bodies[] = {"",
                          "exit code 0",
                          "Killed by the scheduler: none",
                          "requests Aborted: 3",
                          "Terminated workers are started again",
                          "exit code unknown",
                          "INFO Quitting is possible with CONTROL-C"};
  for (const char* body : bodies) EXPECT_EQ(told(body), "none") << body;
}

}  // namespace
}  // namespace rankdx
