#include "events/python.h"

#include <gtest/gtest.h>

namespace rankdx {
namespace {

/// The parts of a line in one text, for comparing whole values.
std::string told(std::string_view body) {
  const PythonLine l = python_line(body);
  const std::string view[] = {std::string(l.file), std::string(l.function),
                              std::string(l.exception), std::string(l.message)};
  switch (l.part) {
    case PythonPart::None:
      return "none";
    case PythonPart::Start:
      return "start";
    case PythonPart::During:
      return "during";
    case PythonPart::DirectCause:
      return "cause";
    case PythonPart::Frame:
      return view[0] + ":" + std::to_string(l.line) + " " + view[1];
    case PythonPart::Exception:
      return view[2] + "|" + view[3];
  }
  return "?";
}

struct Case {
  const char* body;
  const char* want;
};

TEST(Python, PartsOfATraceback) {
  const Case cases[] = {
      {"Traceback (most recent call last):", "start"},
      {"ERROR 10-01 12:00:00 [core.py:710] Traceback (most recent call last):", "start"},
      {"  File \"/opt/vllm/worker.py\", line 211, in load_model",
       "/opt/vllm/worker.py:211 load_model"},
      {"ERROR 07-24 14:03:36 worker.py:68]   File \"/a.py\", line 3, in <module>",
       "/a.py:3 <module>"},
      {"  File \"<stdin>\", line 1", "<stdin>:1 "},
      {"ValueError: too many values", "ValueError|too many values"},
      {"torch.OutOfMemoryError: CUDA out of memory.", "torch.OutOfMemoryError|CUDA out of memory."},
      {"ERROR 10-01 12:00:00 [core.py:710] AssertionError", "AssertionError|"},
      {"ray.exceptions.RayTaskError(ValueError): \x1b[36mray::W.run()",
       "ray.exceptions.RayTaskError|\x1b[36mray::W.run()"},
      {"E1001 12:00:00.123456 77 torch/api.py:12] RuntimeError: x", "RuntimeError|x"},
      {"ERROR:root:KeyError: 'a'", "KeyError|'a'"},
      {"  | OSError: gone", "OSError|gone"},
      {"  + Exception Group Traceback (most recent call last):", "start"},
      {"During handling of the above exception, another exception occurred:", "during"},
      {"The above exception was the direct cause of the following exception:", "cause"},
      {"KeyboardInterrupt: terminated", "KeyboardInterrupt|terminated"},
  };
  for (const Case& c : cases) EXPECT_EQ(told(c.body), c.want) << c.body;
}

TEST(Python, OtherLinesAreNone) {
  for (const char* body : {
           "",
           "INFO:     Application startup complete.",
           "INFO 10-01 12:00:00 [core.py:77] no Error: here",
           "    raise ValueError(message)",
           "File \"/a.py\", line x",
           "File \"/a.py",
           "Error 404",
           "ERROR 10-01",
           "..Error: x",
           "UserWarning: deprecated",
           "node-a:1:2 [0] NCCL INFO Error: x",
       })
    EXPECT_EQ(told(body), "none") << body;
}

TEST(Python, EveryPartHoldsAMark) {
  const char* lines[] = {"Traceback (most recent call last):", "  File \"a\", line 3, in b",
                         "RuntimeError: x", "x.RayTaskError(ValueError): y"};
  for (std::string_view line : lines) {
    bool marked = bare_exception(line);
    for (std::string_view mark : python_marks()) marked = marked || line.find(mark) != line.npos;
    EXPECT_TRUE(marked) << line;
  }
}

}  // namespace
}  // namespace rankdx
