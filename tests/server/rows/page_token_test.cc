// Page tokens tell nothing and open for their own list only.
#include "server/rows/page_token.h"

#include <set>

#include <gmock/gmock.h>

#include "server/sql/sqlite_database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

constexpr PageScope kOurs{"jobs", "ours"};
const std::string kKey(32, 'k');

TEST(PageTokenTest, OpensForItsOwnListAndTenantOnly) {
  const std::string token = SealPageToken(kKey, kOurs, "17");
  const auto opened = OpenPageToken(kKey, kOurs, token);
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(*opened, "17");
  for (const PageScope& other : {PageScope{"jobs", "theirs"}, PageScope{"concepts", "ours"},
                                 PageScope{"jobs", ""}, PageScope{"job", "sours"}}) {
    EXPECT_THAT(OpenPageToken(kKey, other, token), NamesField("page_token"))
        << other.list << " of " << other.tenant;
  }
  EXPECT_THAT(OpenPageToken(std::string(32, 'x'), kOurs, token), NamesField("page_token"));
}

TEST(PageTokenTest, AChangedTokenIsRefused) {
  const std::string token = SealPageToken(kKey, kOurs, "17");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(OpenPageToken(kKey, kOurs, changed), NamesField("page_token")) << i;
  }
  for (const std::string& text : {std::string("17"), std::string("?"), token.substr(1),
                                  token + token, std::string(600, 'A'), std::string(40, 'A')}) {
    EXPECT_THAT(OpenPageToken(kKey, kOurs, text), NamesField("page_token")) << text;
  }
}

class PageTokenKeyTest : public testing::Test {
 protected:
  std::unique_ptr<Database> Open(const std::string& name) {
    auto database = SqliteDatabase::Open(folder_.path() + "/" + name);
    EXPECT_THAT(database, IsOk());
    return *std::move(database);
  }

  static std::string Token(Database& database, int64_t number) {
    std::string token;
    EXPECT_THAT(database.Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(token, PageToken(db, kOurs, number));
      return absl::OkStatus();
    }),
                IsOk());
    return token;
  }

  static absl::StatusOr<int64_t> Below(Database& database, const std::string& token) {
    int64_t below = 0;
    RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(below, BelowNumber(db, kOurs, token));
      return absl::OkStatus();
    }));
    return below;
  }

  TempFolder folder_;
};

TEST_F(PageTokenKeyTest, ATokenOutlivesARestartAndDoesNotFitAnotherDatabase) {
  auto database = Open("a.db");
  const std::string token = Token(*database, 41);
  database.reset();
  database = Open("a.db");
  const auto below = Below(*database, token);
  ASSERT_THAT(below, IsOk());
  EXPECT_EQ(*below, 41);
  EXPECT_THAT(Below(*Open("b.db"), token), NamesField("page_token"));
}

TEST_F(PageTokenKeyTest, TokensDoNotTellTheirNumber) {
  const auto database = Open("a.db");
  std::set<std::string> tokens;
  std::set<size_t> lengths;
  for (const int64_t number : {1, 1, 2, 9'999'999, 41}) {
    const std::string token = Token(*database, number);
    EXPECT_EQ(token.find(std::to_string(9'999'999)), std::string::npos);
    tokens.insert(token);
    lengths.insert(token.size());
  }
  EXPECT_EQ(tokens.size(), 5u) << "equal numbers have different tokens";
  EXPECT_EQ(lengths.size(), 1u);
}

TEST_F(PageTokenKeyTest, TokensOfOlderVersionsAreRefused) {
  const auto database = Open("a.db");
  for (const char* token : {"x", "-1", "0", "1", "17", "1x", "99999999999999999999"}) {
    EXPECT_THAT(Below(*database, token), NamesField("page_token")) << token;
  }
}

}  // namespace
}  // namespace vico::server
