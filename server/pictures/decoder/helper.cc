#include "server/pictures/decoder/helper.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <new>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "server/pictures/decoder/frame.h"

namespace vico::server {
namespace {

bool ReadAll(void* to, size_t size) {
  auto* at = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = read(STDIN_FILENO, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteAll(const void* from, size_t size) {
  const auto* at = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t put = write(STDOUT_FILENO, at, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

/// Exits at once, without the exit handlers of libraries.
[[noreturn]] void End(int code) { _exit(code); }

[[noreturn]] void Answer(DecodeOutcome outcome, const Pixels& pixels) {
  const bool decoded = outcome == DecodeOutcome::kDecoded;
  const size_t size = decoded ? pixels.bgr.size() : 0;
  const AnswerHeaderBytes header =
      ToBytes(AnswerHeader{outcome, static_cast<uint32_t>(size), pixels.notes});
  const bool sent = WriteAll(header.data(), header.size()) && WriteAll(pixels.bgr.data(), size);
  End(sent ? kHelperAnswered : kHelperBadJob);
}

[[noreturn]] void DoOneJob(Decode decode) {
  JobHeaderBytes bytes;
  JobHeader header;
  if (!ReadAll(bytes.data(), bytes.size()) || !FromBytes(bytes, header)) End(kHelperBadJob);
  std::string colour, file;
  Pixels pixels;
  try {
    colour.resize(header.colour_bytes);
    file.resize(header.file_bytes);
  } catch (const std::bad_alloc&) {
    Answer(DecodeOutcome::kOutOfMemory, pixels);
  }
  if (!ReadAll(colour.data(), colour.size()) || !ReadAll(file.data(), file.size())) {
    End(kHelperBadJob);
  }
  const DecodeJob job{.file = file,
                      .width = header.width,
                      .height = header.height,
                      .orientation = static_cast<int>(header.orientation),
                      .shrink = header.shrink,
                      .colour = header.colour,
                      .colour_data = colour};
  const DecodeOutcome outcome = decode(job, pixels);
  Answer(outcome, pixels);
}

[[noreturn]] void CannotConfine(const char* why) {
  std::fprintf(stderr, "vico-decode: cannot confine itself: %s\n", why);
  End(kHelperCannotConfine);
}

}  // namespace

void RunDecodeHelper(int argc, char** argv, Decode decode, const ConfineLimits& limits) {
  const std::string_view option = argc == 2 ? argv[1] : "";
  const bool confined = option != "--unconfined";
  if (argc > 2 || (!option.empty() && option != "--unconfined" && option != "--probe")) {
    std::fputs("vico-decode is started by vico-server; it decodes one picture.\n", stderr);
    End(kHelperUsage);
  }
  PrepareToDecode();
  if (const char* why = confined ? Confine(limits) : nullptr) CannotConfine(why);
  // libde265 prints errors, and a write to standard error would kill the process. They stay in this
  // buffer, which _exit() drops.
  static char unwritten[64 << 10];
  std::setvbuf(stderr, unwritten, _IOFBF, sizeof unwritten);
  if (option == "--probe") {
    open("/", O_RDONLY | O_CLOEXEC);
    End(kHelperCannotConfine);
  }
  DoOneJob(decode);
}

}  // namespace vico::server
