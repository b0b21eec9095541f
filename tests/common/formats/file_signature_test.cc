#include "common/formats/file_signature.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/common/formats/named_files.h"

namespace vico {
namespace {

using testing::HasSubstr;

TEST(FileSignatureTest, EveryFileHasItsName) {
  for (const auto& [bytes, name] : NamedFiles()) {
    const FileType* const type = FindFileType(bytes);
    ASSERT_NE(type, nullptr) << name;
    EXPECT_THAT(std::string(type->name), HasSubstr(name));
  }
}

TEST(FileSignatureTest, WhatMatchesNothingIsUnknown) {
  for (const std::string& bytes : {std::string(), BytesOf("\0", 1),
                                   BytesOf("\1\2\3\4\5\6\7\x08\x0e", 9), BytesOf("a\0b\0\1", 5)}) {
    EXPECT_EQ(FindFileType(bytes), nullptr) << bytes.size();
  }
}

TEST(FileSignatureTest, AdviceSaysWhatToDo) {
  EXPECT_THAT(std::string(FindFileType(FtypFile("heic....mif1"))->advice), HasSubstr("JPEG"));
  EXPECT_THAT(std::string(FindFileType("version https://git-lfs.github.com/spec/v1")->advice),
              HasSubstr("git lfs pull"));
}

}  // namespace
}  // namespace vico
