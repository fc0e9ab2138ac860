#include "job/python_fold.h"

#include <gtest/gtest.h>

#include "job/test_logs.h"

namespace rankdx {
namespace {

using test::fold_text;

const LiteralSet kNoGate({"no line holds this text"});

/// "exception: message [frames] <- index of the one before", one a line.
std::string told(const std::string& log) {
  std::string all;
  for (const PythonErrorFacts& e : fold_text("log", log, kNoGate).python_errors) {
    all += std::to_string(e.raised.line) + " " + e.exception + ": " + e.message + " [" +
           std::to_string(e.frame_count) + "]";
    if (e.label_rank >= 0) all += " rank " + std::to_string(e.label_rank);
    if (e.count > 1) all += " x" + std::to_string(e.count);
    if (e.earlier >= 0)
      all += (e.direct ? " caused by " : " while handling ") + std::to_string(e.earlier);
    all += "\n";
  }
  return all;
}

TEST(PythonFold, OneTraceback) {
  EXPECT_EQ(told("Traceback (most recent call last):\n"
                 "  File \"/a.py\", line 1, in <module>\n"
                 "    run()\n"
                 "  File \"/b.py\", line 2, in run\n"
                 "    raise ValueError('x')\n"
                 "ValueError: x\n"),
            "6 ValueError: x [2]\n");
}

TEST(PythonFold, ChainsKeepTheirOrder) {
  const std::string first =
      "Traceback (most recent call last):\n  File \"/a.py\", line 1, in a\nKeyError: 'k'\n";
  const std::string second =
      "Traceback (most recent call last):\n  File \"/a.py\", line 2, in b\nOSError: no\n";
  EXPECT_EQ(
      told(first + "\nDuring handling of the above exception, another exception occurred:\n\n" +
           second),
      "3 KeyError: 'k' [1]\n9 OSError: no [1] while handling 0\n");
  EXPECT_EQ(
      told(first + "\nThe above exception was the direct cause of the following exception:\n\n" +
           second),
      "3 KeyError: 'k' [1]\n9 OSError: no [1] caused by 0\n");
}

TEST(PythonFold, RanksBetweenEachOther) {
  EXPECT_EQ(told("[rank1]: Traceback (most recent call last):\n"
                 "[rank0]: Traceback (most recent call last):\n"
                 "[rank1]:   File \"/a.py\", line 1, in a\n"
                 "[rank0]:   File \"/b.py\", line 2, in b\n"
                 "[rank0]:   File \"/c.py\", line 3, in c\n"
                 "[rank1]: RuntimeError: one\n"
                 "[rank0]: RuntimeError: zero\n"),
            "6 RuntimeError: one [1] rank 1\n7 RuntimeError: zero [2] rank 0\n");
}

TEST(PythonFold, LoggersRepeatTheirHead) {
  const std::string head = "(Worker_TP0 pid=9) ERROR 10-01 12:00:00 [worker.py:68] ";
  EXPECT_EQ(
      told(head + "Traceback (most recent call last):\n" + head +
           "  File \"/a.py\", line 1, in a\n" + head + "    x()\n" + head + "AssertionError\n"),
      "4 AssertionError:  [1]\n");
}

TEST(PythonFold, RepetitionsAreCounted) {
  std::string log;
  for (int i = 0; i < 1000; ++i)
    log += "Traceback (most recent call last):\n  File \"/a.py\", line 1, in a\nOSError: gone\n";
  EXPECT_EQ(told(log), "3 OSError: gone [1] x1000\n");
}

TEST(PythonFold, WhatIsNotEndedIsForgotten) {
  EXPECT_EQ(told("Traceback (most recent call last):\n  File \"/a.py\", line 1, in a\n"), "");
  EXPECT_EQ(told("ValueError: no traceback before it\n"), "");
}

TEST(PythonFold, NumberOfExceptionsIsBounded) {
  std::string log;
  for (int i = 0; i < 2000; ++i) {
    const std::string name = std::string(1 + i / 26, 'z') + static_cast<char>('a' + i % 26);
    log += "Traceback (most recent call last):\n  File \"/a.py\", line 1, in a\nOSError: " + name +
           "\n";
  }
  EXPECT_EQ(fold_text("log", log, kNoGate).python_errors.size(), kMaxPythonErrors);
}

}  // namespace
}  // namespace rankdx
