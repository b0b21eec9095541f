// Names of the pickle machine's opcodes, for messages. Source: CPython's Lib/pickletools.py.
#pragma once

#include <cstdint>
#include <string_view>

namespace vico {

/// "REDUCE" for 0x52; "unknown" for what no protocol up to 5 has.
std::string_view PickleOpcodeName(uint8_t opcode);

}  // namespace vico
