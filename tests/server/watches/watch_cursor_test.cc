#include "server/watches/watch_cursor.h"

#include <gmock/gmock.h>

#include "common/ids.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

TEST(WatchCursorTest, ACursorIsReadAsItWasWritten) {
  WatchCursor cursor{.time = absl::FromUnixMicros(1'700'000'000'123'456), .filter = 0xfedcba98};
  cursor.jobs.push_back({JobName(NewId()), 7});
  cursor.jobs.push_back({JobName(NewId()), (uint64_t{1} << 40) + 3});
  const auto read = ReadCursor(WriteCursor(cursor));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->time, cursor.time);
  EXPECT_EQ(read->filter, cursor.filter);
  ASSERT_EQ(read->jobs.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->jobs[i].job, cursor.jobs[i].job);
    EXPECT_EQ(read->jobs[i].sequence, cursor.jobs[i].sequence);
  }
}

TEST(WatchCursorTest, ACursorStaysBelowAKilobyte) {
  WatchCursor cursor{.time = absl::UnixEpoch()};
  for (int i = 0; i < 200; ++i) cursor.jobs.push_back({JobName(NewId()), 1});
  EXPECT_LE(WriteCursor(cursor).size(), 1024u);
  EXPECT_EQ(ReadCursor(WriteCursor(cursor))->jobs.size(), kMaxSeen);
}

TEST(WatchCursorTest, OtherTextsAreRefused) {
  const std::string good =
      WriteCursor({.time = absl::UnixEpoch(), .jobs = {{JobName(NewId()), 1}}});
  for (const std::string& text : {std::string("x"), std::string("!"), good.substr(0, 20),
                                  "M" + good.substr(1) + "AAAA", std::string(5000, 'A')}) {
    EXPECT_THAT(ReadCursor(text), NamesField("cursor")) << text;
  }
}

}  // namespace
}  // namespace vico::server
