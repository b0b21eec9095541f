#include "server/postgres/postgres_statement.h"

#include <gmock/gmock.h>

namespace vico::server {
namespace {

TEST(PostgresStatementTest, NumbersPlainParametersInOrder) {
  EXPECT_EQ(WithNumberedParameters("a = ? AND b = ?").text, "a = $1 AND b = $2");
}

TEST(PostgresStatementTest, KeepsNumbersAndGoesOnAfterTheLargest) {
  EXPECT_EQ(WithNumberedParameters("?2, ?1, ?, ?12, ?").text, "$2, $1, $3, $12, $13");
}

TEST(PostgresStatementTest, LeavesTextsNamesAndCommentsAlone) {
  EXPECT_EQ(WithNumberedParameters("'?', 'it''s ?', \"a?\", -- ?\n?").text,
            "'?', 'it''s ?', \"a?\", -- ?\n$1");
  EXPECT_EQ(WithNumberedParameters("? - 1 -- ?").text, "$1 - 1 -- ?");
  EXPECT_EQ(WithNumberedParameters("'open ?").text, "'open ?");
  EXPECT_EQ(WithNumberedParameters("").text, "");
}

TEST(PostgresStatementTest, TellsWhichParametersItUses) {
  EXPECT_THAT(WithNumberedParameters("?5, ?2, ?, '?9'").parameters, testing::ElementsAre(2, 5, 6));
}

}  // namespace
}  // namespace vico::server
