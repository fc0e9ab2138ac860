// What each file of commands/ gives to the table.
#pragma once

#include <functional>
#include <string_view>

namespace rankdx {

class Flags;

extern const std::string_view kDiagnoseExamples;
std::function<int()> make_diagnose(Flags& flags);

}  // namespace rankdx
