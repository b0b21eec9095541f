#include "client/sheet/ascii.h"

#include <gtest/gtest.h>

namespace vico::client {
namespace {

TEST(AsciiTest, LettersLoseTheirAccents) {
  EXPECT_EQ(ToAscii("a photo of S*").text, "a photo of S*");
  EXPECT_EQ(ToAscii("café, Ærø, ﬁn, ｆｕｌｌ, Straße").text, "cafe, AEro, fin, full, Strasse");
  EXPECT_EQ(ToAscii("cafe\u0301").text, "cafe");
  EXPECT_EQ(ToAscii("“yes” – it’s…").text, "\"yes\" - it's...");
  EXPECT_TRUE(ToAscii("“café”…").complete);
}

TEST(AsciiTest, OtherCharactersBecomeQuestionMarks) {
  for (const auto& [text, ascii] : {std::pair("模型", "??"), std::pair("a\nb", "a?b"),
                                    std::pair("\xff\xc3", "??"), std::pair("😀!", "?!")}) {
    EXPECT_EQ(ToAscii(text).text, ascii) << text;
    EXPECT_FALSE(ToAscii(text).complete) << text;
  }
}

}  // namespace
}  // namespace vico::client
