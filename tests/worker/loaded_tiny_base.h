// The tiny base model, loaded: its weights are random.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"
#include "tests/support/tiny_base.h"
#include "worker/base_model/base_model.h"
#include "worker/personalize/base.h"

namespace vico::worker {

inline Base LoadTinyBase() {
  const TempFolder folder;
  const std::string path = folder.path() + "/tiny";
  EXPECT_TRUE(WriteTinyBase(path, 1).ok());
  const auto model = OpenBaseModel(path);
  EXPECT_TRUE(model.ok()) << model.status();
  auto networks = LoadNetworks(*model);
  EXPECT_TRUE(networks.ok()) << networks.status();
  auto tokenizer = MakeTokenizer(*model);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return {networks->text, networks->vae, networks->unet, Schedule(model->schedule), *tokenizer};
}

}  // namespace vico::worker
