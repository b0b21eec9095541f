#include "common/text/slug.h"

#include <gtest/gtest.h>

namespace vico {
namespace {

TEST(SlugTest, KeepsLettersAndDigitsOfEveryScriptInLowerCase) {
  EXPECT_EQ(Slug("A photo of S* on the Beach!", 40), "a-photo-of-s-on-the-beach");
  EXPECT_EQ(Slug("  ЁЖИК, 2 штуки ", 40), "ёжик-2-штуки");
  EXPECT_EQ(Slug("海辺の猫", 40), "海辺の猫");
  EXPECT_EQ(Slug("cafe\u0301", 40), "cafe\u0301");
}

TEST(SlugTest, HasNoCharacterThatAShellOrAFolderInterprets) {
  EXPECT_EQ(Slug("../../etc/passwd; $(rm -rf) \x1b[2J\xff\n", 40), "etc-passwd-rm-rf-2j");
}

TEST(SlugTest, EndsAtAWordWithinTheLimit) {
  EXPECT_EQ(Slug("one two three", 7), "one-two");
  EXPECT_EQ(Slug("one two three", 8), "one-two");
  EXPECT_EQ(Slug("abcdefgh", 5), "abcde");
  EXPECT_EQ(Slug("海辺の猫", 7), "海辺");
}

TEST(SlugTest, IsEmptyWithoutALetter) {
  EXPECT_EQ(Slug("", 40), "");
  EXPECT_EQ(Slug("*!? \u202e", 40), "");
}

}  // namespace
}  // namespace vico
