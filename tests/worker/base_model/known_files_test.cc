// Files and folders that are given as a base model and are none.
#include "worker/base_model/known_files.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "tests/worker/base_model/base_model_fixture.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class KnownFilesTest : public BaseModelTest {
 protected:
  std::string Message(const std::string& name, const std::string& bytes) {
    const std::string path = folder_.path() + "/" + name;
    EXPECT_THAT(WriteSmallFile(path, bytes), IsOk());
    const auto model = OpenBaseModel(path);
    EXPECT_FALSE(model.ok()) << name;
    return std::string(model.status().message());
  }

  std::string MessageOfTensors(const TensorMap& tensors) {
    const std::string path = folder_.path() + "/file.safetensors";
    EXPECT_THAT(WriteTensors(path, tensors, {}), IsOk());
    const auto model = OpenBaseModel(path);
    EXPECT_THAT(model, HasCode(absl::StatusCode::kInvalidArgument));
    return std::string(model.status().message());
  }
};

TEST_F(KnownFilesTest, FilesAreNamedByTheirFirstBytes) {
  struct Case {
    const char* name;
    std::string bytes;
    const char* what;
    const char* advice;
  };
  const std::string lfs =
      "version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 4265146304\n";
  const std::string zeros(64, '\0');
  for (const Case& test : std::vector<Case>{
           {"a.safetensors", lfs, "Git LFS pointer", "git lfs pull"},
           {"a.safetensors", "<!DOCTYPE html>\n<html><head>", "web page", "download"},
           {"a.safetensors", "<html>\n<body>Sign in", "web page", "download"},
           {"a.gguf", "GGUF\x03" + zeros, "GGUF", ".safetensors"},
           {"a.safetensors", "GGUF\x03" + zeros, "GGUF", ".safetensors"},
           {"a.ckpt", "\x80\x02}q" + zeros, "is a pickle", "safetensors.torch.save_file"},
           {"a.safetensors", "\x80\x02}q" + zeros, "is a pickle", "safetensors.torch.save_file"},
           {"a.pt", "anything", "", ""},
           {"a.safetensors", "Entry not found\n", "a text", "an error message"},
           {"a.onnx", "\x08\x07\x12\x07pytorch" + zeros, "an ONNX model", "for PyTorch"},
           {"a.safetensors", "\x08\x07\x12\x07pytorch" + zeros, "an ONNX model", "for PyTorch"},
           {"a.safetensors", "", "an empty file", "download"},
           {"a.safetensors.part", std::string("\x02\0\0\0\0\0\0\0{}", 10), "an unfinished download",
            "wait"},
           {"a.safetensors.crdownload", "x", "an unfinished download", "wait"},
           {"a.h5", "\x89HDF\r\n\x1a\n" + zeros, "HDF5", ".safetensors"},
           {"a.zip", "7z\xbc\xaf\x27\x1c" + zeros, "7-Zip", "unpack"},
           {"a.png", "\x89PNG\r\n\x1a\n" + zeros, "a PNG picture", "diffusers"},
           {"model_index.json", "{\"_class_name\": \"StableDiffusionPipeline\"}", "JSON", ""}}) {
    const auto message = Message(test.name, test.bytes);
    EXPECT_THAT(message, AllOf(HasSubstr(std::string(test.name) + ": "), HasSubstr(test.what),
                               HasSubstr(test.advice)))
        << test.name;
  }
}

TEST_F(KnownFilesTest, ATruncatedDownloadIsNamed) {
  const std::string whole = ReadSmallFile(Path("vae/diffusion_pytorch_model.safetensors")).value();
  for (const size_t kept : {size_t{100}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_THAT(Message("cut.safetensors", whole.substr(0, kept)),
                HasSubstr("the download or copy did not finish"))
        << kept;
  }
}

TEST_F(KnownFilesTest, OtherNetworksAreNamedByTheirTensors) {
  const std::string lora = "is a LoRA";
  const std::string control = "is a ControlNet";
  const std::string vae = "is an autoencoder (VAE) alone";
  const std::string word = "is a textual inversion";
  for (const auto& [tensor, what] : std::vector<std::pair<std::string, std::string>>{
           {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", lora},
           {"lora_te_text_model_encoder_layers_0_mlp_fc1.alpha", lora},
           {"lora_te1_text_model_encoder_layers_0_mlp_fc1.alpha", lora},
           {"unet.down_blocks.0.attentions.0.to_q.lora.down.weight", lora},
           {"unet.down_blocks.0.attentions.0.processor.to_q_lora.up.weight", lora},
           {"base_model.model.down_blocks.0.to_q.lora_A.weight", lora},
           {"text_encoder.text_model.encoder.layers.0.q_proj.lora_B.weight", lora},
           {"unet.up_blocks.1.attn.to_k.lora_linear_layer.down.weight", lora},
           {"lora_unet_x.hada_w1_a", lora},
           {"some.lokr_w1", "is a LoKr"},
           {"emb_params", word},
           {"clip_l", word},
           {"string_to_param.*", word},
           {"encoder.down.0.block.0.conv1.weight", vae},
           {"decoder.up_blocks.0.resnets.0.conv1.weight", vae},
           {"first_stage_model.encoder.conv_in.weight", "is the autoencoder (VAE) of a checkpoint"},
           {"controlnet_cond_embedding.conv_in.weight", control},
           {"control_model.input_blocks.0.0.weight", control},
           {"input_hint_block.0.weight", control},
           {"adapter.body.0.block1.weight", "is a T2I adapter"},
           {"image_proj.norm.weight", "is an IP adapter"},
           {"conditioner.embedders.0.x", "is Stable Diffusion XL"},
           {"cond_stage_model.model.ln_final.bias", "is Stable Diffusion 2.x"},
           {"joint_blocks.0.x", "is Stable Diffusion 3"},
           {"model.diffusion_model.joint_blocks.0.x", "is Stable Diffusion 3"},
           {"double_blocks.0.img_attn.qkv.weight", "is FLUX"},
           {"single_transformer_blocks.0.attn.to_q.weight", "is FLUX"},
           {"text_model.encoder.layers.0.mlp.fc1.weight", "is one network of a base model"},
           {"down_blocks.0.resnets.0.conv1.weight", "is one network of a base model"},
           {"model.embed_tokens.weight", "is a language model"},
           {"placeholder_embedding", "is an adapter of Vico"},
           {"whatever.weight", "is no checkpoint of Stable Diffusion 1.x"}}) {
    const auto message = MessageOfTensors({{tensor, torch::zeros({2, 2, 1})}});
    EXPECT_THAT(message, AllOf(HasSubstr(what), HasSubstr(tensor))) << tensor;
  }
  // A learned word by its shape; its name is the word.
  EXPECT_THAT(MessageOfTensors({{"<my-cat>", torch::zeros({1, 768})}}), HasSubstr(word));
  EXPECT_THAT(MessageOfTensors({{"<my-cat>", torch::zeros({1024})}}), HasSubstr(word));
}

TEST_F(KnownFilesTest, FilesInsideABaseModelAreNamedToo) {
  ASSERT_THAT(WriteSmallFile(Path("unet/diffusion_pytorch_model.safetensors"),
                             "version https://git-lfs.github.com/spec/v1\noid sha256:12\n"),
              IsOk());
  EXPECT_THAT(OpenBaseModel(path_),
              HasMessage(AllOf(HasSubstr("unet/diffusion_pytorch_model.safetensors: is a Git LFS"),
                               HasSubstr("git lfs pull"))));
  fs::remove(Path("unet/diffusion_pytorch_model.safetensors"));
  ASSERT_THAT(WriteSmallFile(Path("unet/model.onnx"), "x"), IsOk());
  EXPECT_THAT(OpenBaseModel(path_), HasMessage(HasSubstr("model.onnx is for ONNX")));
}

TEST_F(KnownFilesTest, SmallFilesThatStandForOthersAreNamed) {
  for (const std::string name : {"tokenizer/vocab.json", "tokenizer/merges.txt", "unet/config.json",
                                 "scheduler/scheduler_config.json", "model_index.json"}) {
    const std::string before = ReadSmallFile(Path(name)).value();
    ASSERT_THAT(
        WriteSmallFile(Path(name), "version https://git-lfs.github.com/spec/v1\noid sha256:12\n"),
        IsOk());
    EXPECT_THAT(OpenBaseModel(path_), HasMessage(HasSubstr(name + ": is a Git LFS pointer")));
    ASSERT_THAT(WriteSmallFile(Path(name), "<!DOCTYPE html>\n<html>"), IsOk());
    EXPECT_THAT(OpenBaseModel(path_), HasMessage(HasSubstr(name + ": is a web page")));
    ASSERT_THAT(WriteSmallFile(Path(name), before), IsOk());
  }
  EXPECT_THAT(OpenBaseModel(path_), IsOk());
}

TEST_F(KnownFilesTest, OtherFoldersAreNamed) {
  struct Case {
    const char* file;
    const char* text;
    const char* what;
  };
  for (const Case& test : std::vector<Case>{
           {"adapter_config.json", "{}", "a LoRA"},
           {"pytorch_lora_weights.safetensors", "", "a LoRA"},
           {"learned_embeds.bin", "", "a textual inversion"},
           {"config.json", R"({"_class_name": "ControlNetModel"})", "a ControlNet"},
           {"config.json", R"({"_class_name": "AutoencoderKL"})", "an autoencoder (VAE) alone"},
           {"config.json", R"({"_class_name": "UNet2DConditionModel"})", "one network"},
           {"config.json", R"({"model_type": "llama"})", "a model of transformers (llama)"},
           {"v1-5.safetensors", "", "name "},
           {"notes.txt", "", "a base model is a folder with it"}}) {
    const std::string folder = folder_.path() + "/other";
    fs::remove_all(folder);
    fs::create_directory(folder);
    ASSERT_THAT(WriteSmallFile(folder + "/" + test.file, test.text), IsOk());
    const auto model = OpenBaseModel(folder);
    EXPECT_THAT(model, HasCode(absl::StatusCode::kNotFound)) << test.file;
    EXPECT_THAT(model,
                HasMessage(AllOf(HasSubstr("model_index.json: is missing"), HasSubstr(test.what))));
  }
}

}  // namespace
}  // namespace vico::worker
