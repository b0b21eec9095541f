// Short texts that a caller can send: names, ids, page tokens, addresses, digests, trace contexts.
#include "common/crypto/sha256.h"
#include "common/formats/adapter_layout.h"
#include "common/ids.h"
#include "common/rpc/address.h"
#include "common/tracing/trace_context.h"
#include "server/checks/request.h"
#include "server/jobs/picture_names.h"
#include "server/rows/page_token.h"
#include "server/watches/watch_cursor.h"
#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {
std::vector<std::string> Seeds() {
  const std::string id(32, 'a');
  return {"jobs/" + id,
          "jobs/" + id + "/pictures/0",
          "jobs/" + id + "/samples/50/3",
          "jobs/" + id + "/masks/9223372036854775807/2147483647",
          "concepts/" + id + "/pictures/01",
          "adapters/" + id + "/reference",
          "pictures/" + id,
          server::WriteCursor({.time = absl::UnixEpoch(), .jobs = {{"jobs/" + id, 7}}}),
          "concepts/" + id,
          "adapters/" + id,
          "jobs/" + std::string(31, 'a') + "G",
          "jobs//" + id,
          "baseModels/tiny-1.5_x",
          "baseModels/..",
          "baseModels/a..b",
          "baseModels/.hidden",
          "baseModels/" + std::string(63, 'a'),
          "baseModels/" + std::string(64, 'a'),
          "jobs/../../etc/passwd",
          std::string("jobs/\0", 6) + id,
          "jobs/%2e%2e",
          "\xe2\x80\xae\xe2\x81\xa6",
          "127.0.0.1:50051",
          "127.1.2.3:0",
          "[::1]:50051",
          "localhost:65536",
          "unix:/tmp/socket",
          "unix:",
          "0.0.0.0:1",
          "127.0.0.1.example.org:1",
          "1",
          "9223372036854775807",
          "9223372036854775808",
          "-1",
          "007",
          "+1",
          "S*",
          "<my-word>",
          "0123456789abcdef",
          std::string(64, 'f'),
          std::string(65, 'f'),
          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
          "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes-later",
          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
          "vendor=value, tenant@system=1,,a=b c",
          "a=b,a=c",
          ""};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = AsText(data, size);
  for (const char* collection : {"jobs", "concepts", "adapters", "pictures"}) {
    const auto id = IdInName("name", collection, text);
    if (!id.ok()) continue;
    MustHold(std::string(collection) + "/" + *id == text, "a name consists of collection and id");
    MustHold(id->find_first_not_of("0123456789abcdef") == std::string::npos && id->size() == 32,
             "an id is 32 hexadecimal digits");
  }
  const std::string fresh = NewId();
  const auto same = IdInName("name", "jobs", JobName(fresh));
  MustHold(same.ok() && *same == fresh, "the name of a job contains its id");
  if (IsBaseModelName(text)) {
    MustHold(text.find("..") == std::string_view::npos, "a name contains no parent folder");
    MustHold(text.find('/') == text.rfind('/'), "a name has one slash");
  }
  const std::string key(32, 'k');
  const server::PageScope jobs{"jobs", "default"};
  MustHold(!server::OpenPageToken(key, jobs, text).ok(), "a page token cannot be made up");
  const std::string token = server::SealPageToken(key, jobs, text.substr(0, 100));
  const auto last = server::OpenPageToken(key, jobs, token);
  MustHold(last.ok() && *last == text.substr(0, 100), "a page token opens for its own list");
  MustHold(!server::OpenPageToken(key, {"jobs", "other"}, token).ok(), "and for no other");
  if (IsPlaceholder(text))
    MustHold(server::CheckPlaceholder("word", text).ok(), "both checks of a placeholder agree");
  if (CheckLoopback("listen", text).ok()) MustHold(!text.empty(), "an empty address is refused");
  server::CheckRequestId("request_id", text).IgnoreError();
  if (const auto trace = ParseTraceparent(text, text)) {
    const std::string written = Traceparent(*trace);
    MustHold(ParseTraceparent(written) == trace, "a trace context is the same after a round trip");
    MustHold(written.substr(3, 49) == text.substr(3, 49),
             "the ids of a trace context are not changed");
  }
  if (IsTracestate(text)) {
    MustHold(text.size() <= 512, "a tracestate has at most 512 bytes");
    MustHold(text.find_first_of("\r\n") == std::string_view::npos,
             "a tracestate has no line break");
  }
  if (IsSha256Hex(text)) MustHold(text.size() == 64, "a digest has 64 digits");
  if (const auto name = server::ParsePictureName(text); name.ok()) {
    MustHold(IdInName("name", name->owner.substr(0, name->owner.find('/')), name->owner).ok(),
             "the owner of a picture has a valid name");
    MustHold(name->step >= 0 && name->index >= 0, "numbers in a picture's name are not negative");
  }
  if (const auto cursor = server::ReadCursor(text); cursor.ok()) {
    MustHold(cursor->jobs.size() < 100, "a cursor has few jobs");
    for (const auto& seen : cursor->jobs) {
      MustHold(IdInName("name", "jobs", seen.job).ok(), "a cursor has names of jobs");
    }
  }
  if (size >= sizeof(int)) {
    int number = 0;
    for (size_t i = 0; i < sizeof(int); ++i)
      number = static_cast<int>(static_cast<unsigned>(number) << 8 | data[i]);
    const auto page = server::CheckPageSize(number);
    MustHold(!page.ok() || (*page >= 1 && *page <= 100), "a page has 1 to 100 rows");
  }
  return 0;
}

}  // namespace vico::fuzz
