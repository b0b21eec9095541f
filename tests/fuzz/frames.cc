// The frames of an HTTP/2 connection, of client and server. What the gate finds must not depend on
// how the bytes arrive in pieces.
#include "tests/server/gate/frames.h"

#include <algorithm>
#include <chrono>

#include "server/gate/frame_limits.h"
#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {
namespace {

using server::Frame;
using server::FrameLimits;
using server::FrameOf;
using server::FrameType;

/// The flood that `bytes` are when they arrive in pieces of `size`.
FrameLimits::Flood InPieces(std::string_view bytes, size_t size, bool from_client) {
  const FrameLimits::Time now{std::chrono::seconds(1)};
  FrameLimits limits(now);
  FrameLimits::Flood flood;
  for (size_t at = 0; !flood && at < bytes.size(); at += size) {
    const std::string_view piece = bytes.substr(at, size);
    flood = from_client ? limits.FromClient(piece, now) : limits.FromServer(piece, now);
  }
  return flood;
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string open = FrameOf(FrameType::kHeaders, Frame::kEndHeaders, 1, "headers");
  std::vector<std::string> seeds = {open + FrameOf(FrameType::kData, Frame::kEndStream, 1, "data"),
                                    FrameOf(FrameType::kHeaders, 0, 1, "headers") +
                                        FrameOf(FrameType::kContinuation, 4, 1, "more"),
                                    open.substr(0, 5), std::string(1000, '\xff')};
  for (int type = 0; type <= 10; ++type) {
    std::string many = open;
    for (int i = 0; i < 1500; ++i) {
      many += FrameOf(static_cast<FrameType>(type), static_cast<uint8_t>(i % 2), 1, "payload8");
    }
    seeds.push_back(many);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = AsText(data, size);
  for (const bool from_client : {true, false}) {
    const FrameLimits::Flood whole = InPieces(bytes, std::max<size_t>(size, 1), from_client);
    for (const size_t pieces : {1, 7, 4096}) {
      MustHold(InPieces(bytes, pieces, from_client) == whole, "pieces change what is found");
    }
  }
  return 0;
}

}  // namespace vico::fuzz
