// Reads and writes checkpoints of the authors' code and of mmagic (tests/golden/checkpoints).
#include "client/adapter_formats/adapter_formats.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/lib/local_file.h"
#include "common/formats/checkpoint/torch_checkpoint.h"
#include "common/formats/checkpoint/torch_checkpoint_write.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Paths = std::vector<std::filesystem::path>;

const std::filesystem::path kFolder = "tests/golden/checkpoints";
const std::filesystem::path kAttention = kFolder / "authors_cross_attention-399.pt";
const std::filesystem::path kWord = kFolder / "authors_embeddings_gs-399.pt";
const AdapterFileFacts kFacts = {
    .base_model_digest = std::string(64, 'a'), .placeholder = "", .init_word = ""};

std::string Bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool Equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

/// Compares the tensor `ours` with the one that PyTorch reads as `theirs`.
void ExpectTensor(const ForeignAdapter& adapter, const std::string& ours,
                  const std::string& theirs) {
  const auto expected = SafetensorsFile::Open((kFolder / "expected.safetensors").string());
  const TensorInfo* info = expected->Find(theirs);
  ASSERT_NE(info, nullptr) << theirs;
  for (const TensorView& tensor : adapter.tensors) {
    if (tensor.name != ours) continue;
    EXPECT_EQ(tensor.shape, info->shape) << ours;
    EXPECT_TRUE(Equal(tensor.bytes, expected->bytes(*info))) << ours;
    return;
  }
  ADD_FAILURE() << ours << " is missing";
}

class AdapterFormatsTest : public testing::Test {
 protected:
  std::filesystem::path At(const std::string& name) { return folder_.path() + "/" + name; }

  /// A copy of the file without the entry `left_out` and with another one, `added`.
  std::filesystem::path Changed(const std::filesystem::path& path, const std::string& left_out,
                                const std::string& added = "") {
    auto file = TorchCheckpoint::Open(path.string());
    const auto read = file->Tensors(file->root());
    std::vector<TensorView> tensors;
    for (const auto& [key, tensor] : *read) {
      if (key == left_out) continue;
      tensors.push_back({key, tensor.dtype, tensor.shape, file->Read(tensor)->view});
    }
    if (!added.empty()) {
      tensors.push_back(tensors.back());
      tensors.back().name = added;
    }
    EXPECT_TRUE(WriteAtomically(At("changed.pt"), *SerializeStateDict("changed", tensors),
                                Existing::kReplace)
                    .ok());
    return At("changed.pt");
  }

  /// Imports the files, exports the adapter and imports that: both adapters are equal to the byte.
  void RoundTrip(const Paths& files, ForeignFormat format) {
    const auto read = ReadForeignAdapter(files);
    ASSERT_THAT(read, IsOk());
    ASSERT_THAT(WriteAdapterFile(*read, kFacts, At("first")), IsOk());
    const auto adapter = SafetensorsFile::Open(At("first").string());
    ASSERT_THAT(adapter, IsOk());
    const auto exported = ForeignFiles(*adapter, format, "name");
    ASSERT_THAT(exported, IsOk());
    Paths written;
    for (const auto& [name, bytes] : *exported) {
      written.push_back(At(name));
      ASSERT_TRUE(WriteAtomically(written.back(), bytes, Existing::kReplace).ok());
    }
    const auto again = ReadForeignAdapter(written);
    ASSERT_THAT(again, IsOk());
    ASSERT_THAT(WriteAdapterFile(*again, kFacts, At("second")), IsOk());
    EXPECT_EQ(Bytes(At("first")), Bytes(At("second")));
    EXPECT_GT(Bytes(At("first")).size(), 1000u);
  }

  const TempFolder folder_;
};

TEST_F(AdapterFormatsTest, ReadsTheAuthorsPairInEitherOrder) {
  for (const Paths& files : {Paths{kAttention, kWord}, Paths{kWord, kAttention}}) {
    const auto adapter = ReadForeignAdapter(files);
    ASSERT_THAT(adapter, IsOk());
    EXPECT_EQ(adapter->format, ForeignFormat::kAuthors);
    EXPECT_EQ(adapter->placeholder, "*");
    EXPECT_THAT(adapter->sites,
                ElementsAre("up_blocks.1.attentions.1", "up_blocks.2.attentions.0",
                            "up_blocks.2.attentions.2", "up_blocks.3.attentions.1"));
    EXPECT_EQ(adapter->tensors.size(), 81u);
    ExpectTensor(*adapter, "placeholder_embedding", "authors_embeddings_gs-399.pt|*");
    const std::string leaf = ".image_cross_attention.attn2.to_q.weight";
    for (const auto& [ours, theirs] :
         {std::pair("up_blocks.1.attentions.1", "4"), std::pair("up_blocks.2.attentions.0", "6"),
          std::pair("up_blocks.2.attentions.2", "8"),
          std::pair("up_blocks.3.attentions.1", "10")}) {
      ExpectTensor(*adapter, ours + leaf,
                   "authors_cross_attention-399.pt|diffusion_model.output_blocks." +
                       std::string(theirs) + ".1" + leaf);
    }
  }
}

TEST_F(AdapterFormatsTest, ReadsMmagicsExtractedWholeAndDistributedFiles) {
  for (const std::string name : {"mmagic.pth", "iter_400.pth", "iter_400_distributed.pth"}) {
    const auto adapter = ReadForeignAdapter({kFolder / name});
    ASSERT_THAT(adapter, IsOk()) << name;
    EXPECT_EQ(adapter->format, ForeignFormat::kMmagic);
    EXPECT_EQ(adapter->placeholder, "S*");
    EXPECT_THAT(adapter->sites,
                ElementsAre("up_blocks.1.attentions.2", "up_blocks.3.attentions.0"));
    EXPECT_EQ(adapter->tensors.size(), 41u);
    ExpectTensor(
        *adapter, "up_blocks.3.attentions.0.image_cross_attention.ff.net.2.weight",
        name + "|unet.model.up_blocks.3.attentions.0.image_cross_attention.ff.net.2.weight");
    ExpectTensor(*adapter, "placeholder_embedding",
                 name +
                     "|text_encoder.model.text_model.embeddings.token_embedding."
                     "trainable_embeddings.S*");
  }
}

TEST_F(AdapterFormatsTest, WritesTheMetadataOfAnImport) {
  const auto read = ReadForeignAdapter({kFolder / "mmagic.pth"});
  ASSERT_THAT(read, IsOk());
  AdapterFileFacts facts = kFacts;
  facts.placeholder = "<dog>";
  facts.init_word = "dog";
  ASSERT_THAT(WriteAdapterFile(*read, facts, At("file")), IsOk());
  const auto metadata = SafetensorsFile::Open(At("file").string())->metadata();
  EXPECT_EQ(metadata.at("dialect"), "mmagic");
  EXPECT_EQ(metadata.at("placeholder"), "<dog>");
  EXPECT_EQ(metadata.at("init_word"), "dog");
  EXPECT_EQ(metadata.at("base_model_digest"), kFacts.base_model_digest);
  EXPECT_EQ(metadata.at("sites"), R"(["up_blocks.1.attentions.2","up_blocks.3.attentions.0"])");
  facts.placeholder = "two words";
  EXPECT_THAT(WriteAdapterFile(*read, facts, At("file")), HasMessage(HasSubstr("--placeholder")));
}

TEST_F(AdapterFormatsTest, ImportExportImportGivesEqualFiles) {
  RoundTrip({kAttention, kWord}, ForeignFormat::kAuthors);
  RoundTrip({kFolder / "mmagic.pth"}, ForeignFormat::kMmagic);
}

TEST_F(AdapterFormatsTest, RefusesToExportAnotherDialect) {
  const auto read = ReadForeignAdapter({kAttention, kWord});
  ASSERT_THAT(read, IsOk());
  ASSERT_THAT(WriteAdapterFile(*read, kFacts, At("file")), IsOk());
  const auto adapter = SafetensorsFile::Open(At("file").string());
  const auto exported = ForeignFiles(*adapter, ForeignFormat::kMmagic, "name");
  EXPECT_THAT(exported, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(exported, HasMessage(HasSubstr("different transformers")));
}

TEST_F(AdapterFormatsTest, ErrorsNameMissingAndUnknownKeys) {
  const std::string leaf = "diffusion_model.output_blocks.6.1.image_cross_attention.norm3.bias";
  const std::string more = "diffusion_model.output_blocks.6.1.image_cross_attention.norm4.bias";
  const auto says = [](const Paths& files, const std::string& complaint) {
    const auto read = ReadForeignAdapter(files);
    EXPECT_THAT(read, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(read, HasMessage(HasSubstr(complaint)));
  };
  says({Changed(kAttention, leaf), kWord}, leaf + "\": is missing");
  says({Changed(kAttention, "", more), kWord}, more + "\": is not part");
  says({Changed(kAttention, "", "diffusion_model.time_embed.0.weight"), kWord},
       "is not part of an adapter");
  says(
      {Changed(kAttention, "", "diffusion_model.output_blocks.6.2.image_cross_attention.a"), kWord},
      "does not name a transformer");
  says({kAttention}, "embeddings_gs-N.pt");
  says({kWord}, "cross_attention-N.pt");
  says({kAttention, kAttention}, "as " + kAttention.string() + " does");
  says({kWord, kWord}, "a learned word, as");
  says({kAttention, kFolder / "two_words.pt"}, "2 learned words");
  says({kFolder / "kinds.pt"}, "is not part of an adapter");
  says({kFolder / "before_1_6.pth"}, "PyTorch before 1.6");
  says({kAttention, kWord, kWord}, "FILE");
  says({kAttention, kFolder / "tiny_cross_attention-399.pt"}, "image attention, as");
}

}  // namespace
}  // namespace vico::client
