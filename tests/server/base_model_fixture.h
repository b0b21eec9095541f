// A base model and its tokenizer, as workers offer them.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "common/crypto/sha256.h"
#include "common/text/tokenizer.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

inline constexpr char kTestBase[] = "baseModels/tiny";

inline std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::string TestVocabulary() { return FileBytes("tests/golden/tokenizer/vocab.json"); }
inline std::string TestMerges() { return FileBytes("tests/golden/tokenizer/merges.txt"); }

inline v1::BlobRef RefOf(const std::string& bytes, const std::string& media_type) {
  v1::BlobRef ref;
  ref.set_sha256(Sha256Hex(bytes));
  ref.set_size_bytes(bytes.size());
  ref.set_media_type(media_type);
  return ref;
}

inline v1::BaseModel TestBaseModel(const std::string& name = kTestBase) {
  v1::BaseModel base_model;
  base_model.set_name(name);
  base_model.set_display_name("Tiny");
  base_model.set_digest(Sha256Hex(name));
  base_model.set_shape_digest(Sha256Hex("the sizes of all test base models"));
  base_model.set_resolution(64);
  base_model.set_size_multiple(8);
  base_model.set_min_side(32);
  base_model.set_max_side(128);
  base_model.set_context_tokens(16);
  base_model.mutable_training_defaults()->set_steps(120);
  base_model.mutable_generation_defaults()->set_steps(20);
  base_model.mutable_generation_defaults()->set_guidance_scale(3);
  return base_model;
}

inline v1::OfferedBaseModel TestOffer(const std::string& name = kTestBase) {
  v1::OfferedBaseModel offered;
  *offered.mutable_base_model() = TestBaseModel(name);
  *offered.mutable_vocabulary() = RefOf(TestVocabulary(), "application/json");
  *offered.mutable_merges() = RefOf(TestMerges(), "text/plain");
  return offered;
}

inline Tokenizer TestTokenizer() {
  auto tokenizer = Tokenizer::Create(TestVocabulary(), TestMerges());
  if (!tokenizer.ok()) std::abort();  // the golden files are damaged
  return *std::move(tokenizer);
}

}  // namespace vico::server
