// Names of pickle opcodes for error messages. Source: CPython's Lib/pickletools.py.
#pragma once

#include <cstdint>
#include <string_view>

namespace vico {

/// "REDUCE" for 0x52; "unknown" for bytes that are not opcodes of protocols 0 to 5.
std::string_view PickleOpcodeName(uint8_t opcode);

}  // namespace vico
