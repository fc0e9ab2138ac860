// How failure travels: every function that can fail returns Result<T>; no exception crosses a room.
// Input that cannot be parsed is never an error: it is counted and kept as text.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace rankdx {

enum class ErrorCode { Usage, Unreadable, Empty, Corrupt, Unsupported, Internal };

/// What went wrong, for a person: what, where, and what to do about it.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string text;   ///< what happened, one sentence without a final dot
  std::string place;  ///< file, file:line, flag or host; may be empty
  std::string hint;   ///< what the reader can do; may be empty
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string text, std::string place = {},
                                  std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(text), std::move(place), std::move(hint)});
}

/// One line for a terminal: "place: text (hint)".
std::string to_string(const Error& error);

}  // namespace rankdx

/// Evaluates to the value of a Result, or returns its error from the calling function.
#define RANKDX_TRY(expr)                                                        \
  ({                                                                            \
    auto rankdx_try_result_ = (expr);                                           \
    if (!rankdx_try_result_) return tl::unexpected(rankdx_try_result_.error()); \
    std::move(*rankdx_try_result_);                                             \
  })
