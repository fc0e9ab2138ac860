// Bundles, and the compressions that decoder.h leaves, by libarchive.
#pragma once

#include <functional>
#include <string>

#include "input/input.h"

namespace rankdx {

/// Unpacks bzip2, lz4 and, in them or plain, tar or zip. `use` gets each regular file while it
/// streams by: its name in the bundle ("" for a stream that is no bundle) and its bytes, valid
/// until `use` returns. An error that a member's read() already returned is not returned again.
Result<void> unpack(ByteSource& packed,
                    const std::function<void(const std::string& member, ByteSource& bytes)>& use);

}  // namespace rankdx
