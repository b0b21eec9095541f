// Fixture: a copy of a tiny base model with random weights in a folder of its own.
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_base.h"
#include "worker/base_model/base_model.h"
#include "worker/io/file.h"
#include "worker/io/tensors.h"

namespace vico::worker {

class BaseModelTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    original_ = new TempFolder();
    ASSERT_THAT(WriteTinyBase(original_->path() + "/Tiny Base", 3), IsOk());
  }
  static void TearDownTestSuite() {
    delete original_;
    original_ = nullptr;
  }
  void SetUp() override {
    path_ = folder_.path() + "/Tiny Base";
    std::filesystem::copy(original_->path(), folder_.path(),
                          std::filesystem::copy_options::recursive);
  }

  std::string Path(const std::string& name) const { return path_ + "/" + name; }

  void Replace(const std::string& name, const std::string& old_text, const std::string& new_text) {
    auto text = ReadSmallFile(Path(name)).value();
    const auto at = text.find(old_text);
    ASSERT_NE(at, std::string::npos) << name << ": " << old_text;
    ASSERT_THAT(WriteSmallFile(Path(name), text.replace(at, old_text.size(), new_text)), IsOk());
  }

  static inline TempFolder* original_ = nullptr;
  TempFolder folder_;
  std::string path_;
};

/// Changes the tensors of a weight file with `change`, which gets a TensorMap&.
template <typename Change>
void ChangeTensors(const std::string& path, Change&& change) {
  TensorMap tensors = ReadTensors(SafetensorsFile::Open(path).value());
  change(tensors);
  ASSERT_THAT(WriteTensors(path, tensors, {}), IsOk());
}

}  // namespace vico::worker
