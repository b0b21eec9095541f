#include "common/text/utf8.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using ::testing::HasSubstr;

TEST(Utf8Test, OnlyValidBytesAreUtf8) {
  for (const char* text : {"", "abc", "ñ", "模型", "\xf0\x9f\x90\x95"}) EXPECT_TRUE(IsUtf8(text));
  for (const char* text :
       {"caf\xe9", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"})
    EXPECT_FALSE(IsUtf8(text));
}

TEST(Utf8Test, ColumnsAreThoseOfATerminal) {
  EXPECT_EQ(ColumnsOf("abc"), 3U);
  EXPECT_EQ(ColumnsOf("ñ"), 1U);
  EXPECT_EQ(ColumnsOf("模型"), 4U);
  EXPECT_EQ(ColumnsOf("e\xcc\x81"), 1U);  // with a combining accent
  EXPECT_EQ(ColumnsOf("\xff"), 1U);
}

TEST(Utf8Test, TheFirstColumnsEndAtACharacter) {
  EXPECT_EQ(FirstColumns("abc", 2), "ab");
  EXPECT_EQ(FirstColumns("abc", 3), "abc");
  EXPECT_EQ(FirstColumns("模型", 3), "模");
  EXPECT_EQ(FirstColumns("e\xcc\x81x", 1), "e\xcc\x81");
  EXPECT_EQ(FirstColumns("", 3), "");
  EXPECT_EQ(FirstColumns("abc", 0), "");
}

TEST(Utf8Test, AByteOrderMarkIsNoText) {
  EXPECT_EQ(TextOf("f", "\xef\xbb\xbfkey").value(), "key");
  EXPECT_EQ(TextOf("f", "key").value(), "key");
  EXPECT_EQ(TextOf("f", "").value(), "");
}

TEST(Utf8Test, Utf16AndUtf32AreNamed) {
  for (const std::string& bytes :
       {std::string("\xff\xfek\0", 4), std::string("\xfe\xff\0k", 4), std::string("k\0e\0", 4),
        std::string("\0k\0e", 4), std::string("\xff\xfe\0\0k\0\0\0", 8),
        std::string("\0\0\xfe\xff\0\0\0k", 8)}) {
    EXPECT_THAT(TextOf("~/key", bytes), NamesField("~/key"));
    EXPECT_THAT(TextOf("~/key", bytes), HasMessage(HasSubstr("UTF-16")));
  }
}

}  // namespace
}  // namespace vico
