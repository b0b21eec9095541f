#include "worker/base_model/base_model.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/version.h>

#include "common/crypto/sha256.h"
#include "common/formats/checkpoint/torch_checkpoint_write.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_base.h"
#include "tests/worker/base_model/base_model_fixture.h"
#include "worker/base_model/base_config.h"
#include "worker/base_model/base_description.h"
#include "worker/base_model/schedule_config.h"
#include "worker/io/file.h"
#include "worker/io/tensors.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST_F(BaseModelTest, OpensAWrittenBaseModel) {
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->unet.block_out_channels, (std::vector<int64_t>{16, 16}));
  EXPECT_EQ(model->vae.factor(), 4);
  EXPECT_EQ(model->text.max_position_embeddings, 32);
  EXPECT_EQ(model->schedule.steps_offset, 1);
  const auto& d = model->description;
  EXPECT_EQ(d.name(), "baseModels/tiny");
  EXPECT_EQ(d.resolution(), 64);
  EXPECT_EQ(d.size_multiple(), 8);
  EXPECT_EQ(d.min_side(), 32);
  EXPECT_EQ(d.max_side(), 128);
  EXPECT_EQ(d.context_tokens(), 32);
  EXPECT_EQ(d.training_defaults().steps(), 8);
  EXPECT_EQ(d.training_defaults().regularizer_weight(), 5e-4);
  EXPECT_EQ(d.generation_defaults().width(), 64);
  EXPECT_EQ(d.generation_defaults().scheduler(), "ddim");
  const auto tokenizer = MakeTokenizer(*model);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_TRUE(tokenizer->SingleToken("robot").has_value());
}

TEST_F(BaseModelTest, VicoJsonSaysWhatEvaluationsDrawAndMeasureWith) {
  EXPECT_EQ(OpenBaseModel(path_)->scorer, "");
  Replace("vico.json", "\"name\"",
          R"("scorer": "measures/scorer.safetensors", "evaluation_defaults":
             {"prompts": ["a {placeholder}", "one {placeholder}"], "picture_count": 3}, "name")");
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->scorer, Path("measures/scorer.safetensors"));
  const v1::EvaluateSpec& defaults = model->description.evaluation_defaults();
  EXPECT_THAT(defaults.prompts(), testing::ElementsAre("a {placeholder}", "one {placeholder}"));
  EXPECT_EQ(defaults.picture_count(), 3);
  const std::string again = DescriptionJson({model->description, "scorer.safetensors"});
  const auto read = ApplyDescription(
      DefaultDescription("base", model->unet, model->vae, model->text), again, "vico.json");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->scorer, "scorer.safetensors");
  EXPECT_EQ(read->base_model.evaluation_defaults().prompts_size(), 2);
}

TEST_F(BaseModelTest, NetworksRun) {
  const torch::NoGradGuard no_grad;
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  auto networks = LoadNetworks(*model, torch::kFloat32);
  ASSERT_THAT(networks, IsOk());
  const auto text = networks->text->forward(torch::zeros({1, 32}, torch::kInt64));
  const auto latent = networks->vae->Encode(torch::zeros({1, 3, 64, 64})).mean;
  const auto output = networks->unet->forward(latent, torch::tensor({5}), text);
  EXPECT_EQ(output.sizes(), (torch::IntArrayRef{1, 4, 16, 16}));
  EXPECT_TRUE(output.isfinite().all().item<bool>());
  EXPECT_EQ(networks->vae->Decode(latent).sizes(), (torch::IntArrayRef{1, 3, 64, 64}));
}

TEST_F(BaseModelTest, DigestIsTheSha256SumOfTheUsedFiles) {
  std::string lines;
  for (const char* name :
       {"scheduler/scheduler_config.json", "text_encoder/config.json",
        "text_encoder/model.safetensors", "tokenizer/merges.txt", "tokenizer/tokenizer_config.json",
        "tokenizer/vocab.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json", "vae/diffusion_pytorch_model.safetensors"}) {
    lines += Sha256Hex(ReadSmallFile(Path(name)).value()) + "  " + name + "\n";
  }
  EXPECT_EQ(OpenBaseModel(path_)->description.digest(), Sha256Hex(lines));
}

TEST_F(BaseModelTest, TheDigestDependsOnTheWeightsOnly) {
  const TempFolder other;
  ASSERT_THAT(WriteTinyBase(other.path() + "/same", 3), IsOk());
  ASSERT_THAT(WriteTinyBase(other.path() + "/different", 4), IsOk());
  const auto digest = [](const std::string& path) {
    return OpenBaseModel(path)->description.digest();
  };
  EXPECT_EQ(digest(path_), digest(other.path() + "/same"));
  EXPECT_NE(digest(path_), digest(other.path() + "/different"));
}

TEST_F(BaseModelTest, WithoutVicoJsonTheFolderGivesTheName) {
  fs::remove(Path("vico.json"));
  const auto model = OpenBaseModel(path_ + "/");
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->description.name(), "baseModels/tiny-base");
  EXPECT_EQ(model->description.training_defaults().steps(), 400);
}

TEST_F(BaseModelTest, AnIndexOfAReuploadIsAccepted) {
  ASSERT_THAT(WriteSmallFile(Path("model_index.json"),
                             R"({"_class_name": "StableDiffusionPipeline",
                                 "_diffusers_version": "0.6.0",
                                 "feature_extractor": ["transformers", "CLIPImageProcessor"],
                                 "image_encoder": [null, null], "requires_safety_checker": false,
                                 "safety_checker": [null, null], "text_encoder_2": [null, null],
                                 "unet": ["diffusers", "UNet2DConditionModel"]})"),
              IsOk());
  EXPECT_THAT(OpenBaseModel(path_), IsOk());
}

TEST_F(BaseModelTest, HalfPrecisionVariantIsFound) {
  fs::rename(Path("unet/diffusion_pytorch_model.safetensors"),
             Path("unet/diffusion_pytorch_model.fp16.safetensors"));
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(LoadNetworks(*model), IsOk());
}

TEST_F(BaseModelTest, MissingFilesAreNamed) {
  for (const char* name :
       {"model_index.json", "unet/config.json", "vae/config.json", "text_encoder/config.json",
        "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt",
        "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"}) {
    fs::rename(Path(name), Path("hidden"));
    const auto model = OpenBaseModel(path_);
    EXPECT_THAT(model, HasCode(absl::StatusCode::kNotFound)) << name;
    EXPECT_THAT(model, HasMessage(HasSubstr(name)));
    fs::rename(Path("hidden"), Path(name));
  }
}

/// Replaces a safetensors file by torch.save's file of the same tensors.
void ToStateDict(const std::string& path, const std::string& bin) {
  {
    const auto file = SafetensorsFile::Open(path).value();
    std::vector<TensorView> views;
    for (const auto& info : file.tensors()) {
      views.push_back({info.name, info.dtype, info.shape, file.bytes(info)});
    }
    const auto bytes = SerializeStateDict("weights", views);
    ASSERT_THAT(bytes, IsOk());
    ASSERT_THAT(WriteSmallFile(bin, *bytes), IsOk());
  }
  fs::remove(path);
}

TEST_F(BaseModelTest, StateDictsAreReadIfThereIsNothingElse) {
  const auto expected = LoadNetworks(*OpenBaseModel(path_));
  ASSERT_THAT(expected, IsOk());
  ToStateDict(Path("unet/diffusion_pytorch_model.safetensors"),
              Path("unet/diffusion_pytorch_model.bin"));
  ToStateDict(Path("text_encoder/model.safetensors"), Path("text_encoder/pytorch_model.bin"));
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  const auto networks = LoadNetworks(*model);
  ASSERT_THAT(networks, IsOk());
  const auto same = [](const torch::nn::Module& a, const torch::nn::Module& b) {
    const auto others = b.named_parameters();
    for (const auto& item : a.named_parameters()) {
      EXPECT_TRUE(torch::equal(item.value(), others[item.key()])) << item.key();
    }
  };
  same(*networks->unet, *expected->unet);
  same(*networks->text, *expected->text);
}

TEST_F(BaseModelTest, SafetensorsArePreferredToAStateDict) {
  ASSERT_THAT(WriteSmallFile(Path("unet/diffusion_pytorch_model.bin"), "cos\nsystem\n"), IsOk());
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(LoadNetworks(*model), IsOk());
  fs::remove(Path("unet/diffusion_pytorch_model.safetensors"));
  EXPECT_THAT(LoadNetworks(*OpenBaseModel(path_)),
              HasMessage(HasSubstr("unet/diffusion_pytorch_model.bin")));
}

TEST_F(BaseModelTest, BrokenWeightsAreNamed) {
  fs::resize_file(Path("vae/diffusion_pytorch_model.safetensors"), 100);
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(LoadNetworks(*model),
              HasMessage(HasSubstr("vae/diffusion_pytorch_model.safetensors")));
}

/// Rewrites a file of weights with every tensor as `dtype`.
void Convert(const std::string& path, torch::ScalarType dtype) {
  TensorMap tensors = ReadTensors(SafetensorsFile::Open(path).value());
  for (auto& [name, tensor] : tensors) tensor = tensor.to(dtype);
  ASSERT_THAT(WriteTensors(path, tensors, {}), IsOk());
}

TEST_F(BaseModelTest, WeightsOfAnyFloatingPointTypeAreConverted) {
  const auto expected = LoadNetworks(*OpenBaseModel(path_)).value().unet->named_parameters();
  for (const auto stored : {torch::kFloat32, torch::kFloat16, torch::kBFloat16}) {
    Convert(Path("unet/diffusion_pytorch_model.safetensors"), stored);
    for (const auto asked : {torch::kFloat32, torch::kFloat16, torch::kBFloat16}) {
      const auto networks = LoadNetworks(*OpenBaseModel(path_), asked);
      ASSERT_THAT(networks, IsOk());
      for (const auto& item : networks->unet->named_parameters()) {
        ASSERT_EQ(item.value().scalar_type(), asked);
        ASSERT_TRUE(
            torch::allclose(item.value().to(torch::kFloat32), expected[item.key()], 2e-2, 2e-3))
            << item.key();
      }
    }
  }
}

TEST_F(BaseModelTest, LoadingDrawsNoRandomNumbers) {
#if TORCH_VERSION_MAJOR < 2
  GTEST_SKIP() << "before LibTorch 2 they are drawn";
#endif
  torch::manual_seed(5);
  const auto expected = torch::rand({4});
  torch::manual_seed(5);
  ASSERT_THAT(LoadNetworks(*OpenBaseModel(path_)), IsOk());
  EXPECT_TRUE(torch::equal(torch::rand({4}), expected));
}

/// Spreads the U-Net over two shards and an index; returns the index.
std::string Shard(const std::string& folder) {
  const std::string whole = folder + "/diffusion_pytorch_model.safetensors";
  nlohmann::json map;
  TensorMap shards[2];
  for (auto& [name, tensor] : ReadTensors(SafetensorsFile::Open(whole).value())) {
    const size_t shard = shards[0].size() <= shards[1].size() ? 0 : 1;
    map[name] = fmt::format("part-{}.safetensors", shard);
    shards[shard].emplace(name, tensor);
  }
  fs::remove(whole);
  EXPECT_THAT(WriteTensors(folder + "/part-0.safetensors", shards[0], {}), IsOk());
  EXPECT_THAT(WriteTensors(folder + "/part-1.safetensors", shards[1], {}), IsOk());
  const std::string index = whole + ".index.json";
  EXPECT_THAT(WriteSmallFile(index, nlohmann::json{{"weight_map", map}}.dump()), IsOk());
  return index;
}

TEST_F(BaseModelTest, ShardsAreReadThroughTheirIndex) {
  const auto expected = LoadNetworks(*OpenBaseModel(path_)).value().unet->named_parameters();
  Shard(Path("unet"));
  const auto model = OpenBaseModel(path_);
  ASSERT_THAT(model, IsOk());
  const auto networks = LoadNetworks(*model);
  ASSERT_THAT(networks, IsOk());
  for (const auto& item : networks->unet->named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), expected[item.key()])) << item.key();
  }
}

TEST_F(BaseModelTest, ShardsThatDisagreeWithTheirIndexAreRefused) {
  const std::string index = Shard(Path("unet"));
  const auto whole = nlohmann::json::parse(ReadSmallFile(index).value());
  const std::string tensor = "conv_in.bias";
  const std::string other =
      whole["weight_map"][tensor] == "part-0.safetensors" ? "part-1" : "part-0";
  const auto message = [&](const nlohmann::json& changed) {
    EXPECT_THAT(WriteSmallFile(index, changed.dump()), IsOk());
    const auto model = OpenBaseModel(path_);
    return std::string(model.ok() ? LoadNetworks(*model).status().message()
                                  : model.status().message());
  };
  auto changed = whole;
  changed["weight_map"][tensor] = "../part-0.safetensors";
  EXPECT_THAT(message(changed), HasSubstr("conv_in.bias: must be the name of a .safetensors file"));
  changed["weight_map"][tensor] = "part-2.safetensors";
  EXPECT_THAT(message(changed), HasSubstr("part-2.safetensors: is missing"));
  changed["weight_map"][tensor] = other + ".safetensors";
  EXPECT_THAT(message(changed), HasSubstr("weight_map: conv_in.bias: is in "));
  changed = whole;
  changed["weight_map"].erase(tensor);
  EXPECT_THAT(message(changed), HasSubstr("but is not listed"));
  changed = whole;
  changed["weight_map"]["more"] = "part-0.safetensors";
  EXPECT_THAT(message(changed), HasSubstr("weight_map: more: is not in part-0.safetensors"));
}

struct Change {
  const char* name;
  const char* file;
  const char* old_text;
  const char* new_text;
  const char* message;
};

TEST_F(BaseModelTest, UnsupportedSettingsAreRefused) {
  for (const Change& change : std::initializer_list<Change>{
           {"another pipeline", "model_index.json", "\"StableDiffusionPipeline\"",
            "\"StableDiffusionXLPipeline\"",
            "model_index.json: _class_name StableDiffusionXLPipeline is Stable Diffusion XL; "
            "supported is Stable Diffusion 1.x"},
           {"second text encoder", "model_index.json", "{",
            "{\"text_encoder_2\": [\"transformers\", \"CLIPTextModelWithProjection\"],",
            "text_encoder_2 is Stable Diffusion XL"},
           {"transformer", "model_index.json", "{",
            "{\"transformer\": [\"diffusers\", \"FluxTransformer2DModel\"],",
            "transformer is a diffusion transformer"},
           {"SD 2", "unet/config.json", "\"cross_attention_dim\": 16",
            "\"cross_attention_dim\": 1024",
            "unet/config.json: cross_attention_dim 1024 is Stable Diffusion 2.x"},
           {"linear", "unet/config.json", "\"use_linear_projection\": false",
            "\"use_linear_projection\": true",
            "use_linear_projection true is Stable Diffusion 2.x"},
           {"OpenCLIP", "text_encoder/config.json", "\"num_hidden_layers\": 1",
            "\"num_hidden_layers\": 23", "num_hidden_layers 23 is Stable Diffusion 2.x"},
           {"XL's U-Net", "unet/config.json", "\"act_fn\"",
            "\"addition_embed_type\": \"text_time\", \"act_fn\"",
            "addition_embed_type text_time is Stable Diffusion XL"},
           {"no JSON", "unet/config.json", "{", "[", "unet/config.json: is not a JSON object"},
           {"block type", "unet/config.json", "\"CrossAttnDownBlock2D\"", "\"AttnDownBlock2D\"",
            "down_block_types: must be made of CrossAttnDownBlock2D and DownBlock2D"},
           {"activation", "unet/config.json", "\"silu\"", "\"gelu\"", "act_fn: must be \"silu\""},
           {"class embedding", "unet/config.json", "\"act_fn\"",
            "\"class_embed_type\": \"timestep\", \"act_fn\"",
            "class_embed_type: must be null or false"},
           {"groups", "unet/config.json", "\"norm_num_groups\": 4", "\"norm_num_groups\": 5",
            "norm_num_groups: must divide block_out_channels (16), found 5"},
           {"negative", "unet/config.json", "\"layers_per_block\": 1", "\"layers_per_block\": -1",
            "layers_per_block: must be an integer in 1..8, found -1"},
           {"fraction", "unet/config.json", "\"layers_per_block\": 1", "\"layers_per_block\": 1.5",
            "must be an integer"},
           {"in-painting", "unet/config.json", "\"in_channels\": 4", "\"in_channels\": 9",
            "unet/config.json: in_channels 9 is a model for inpainting"},
           {"text width", "unet/config.json", "\"cross_attention_dim\": 16",
            "\"cross_attention_dim\": 32", "must be equal, found 16 and 32"},
           {"shifted latents", "vae/config.json", "\"act_fn\"", "\"shift_factor\": 0.1, \"act_fn\"",
            "shift_factor: must be null"},
           {"text model", "text_encoder/config.json", "\"CLIPTextModel\"",
            "\"CLIPTextModelWithProjection\"", "architectures: must be"},
           {"text activation", "text_encoder/config.json", "\"quick_gelu\"", "\"relu\"",
            "hidden_act: must be quick_gelu or gelu"},
           {"schedule", "scheduler/scheduler_config.json", "\"scaled_linear\"", "\"sigmoid\"",
            "beta_schedule: must be one of scaled_linear"},
           {"prediction", "scheduler/scheduler_config.json", "\"epsilon\"", "\"sample\"",
            "prediction_type: must be one of epsilon, v_prediction"},
           {"merges", "tokenizer/merges.txt", "\n", "\nx", "tokenizer: merges.txt: line 2"},
           {"unknown key", "vico.json", "\"name\"", "\"nam\"", "vico.json: nam: is not a key"},
           {"bad name", "vico.json", "\"tiny\"", "\"../x\"", "vico.json: name: must be"},
           {"resolution", "vico.json", "\"resolution\": 64", "\"resolution\": 65",
            "resolution: must be a multiple of 8"},
           {"no scorer", "vico.json", "\"name\"", "\"scorer\": 3, \"name\"",
            "vico.json: scorer: must be the path"},
           {"unknown default of evaluations", "vico.json", "\"name\"",
            "\"evaluation_defaults\": {\"prompt\": \"a\"}, \"name\"",
            "vico.json: evaluation_defaults: "},
           {"unknown default", "vico.json", "\"batch_size\"", "\"batch\"",
            "vico.json: training_defaults: "}}) {
    const auto original = ReadSmallFile(Path(change.file)).value();
    Replace(change.file, change.old_text, change.new_text);
    const auto model = OpenBaseModel(path_);
    EXPECT_THAT(model, HasCode(absl::StatusCode::kInvalidArgument)) << change.name;
    EXPECT_THAT(model, HasMessage(HasSubstr(change.message))) << change.name;
    ASSERT_THAT(WriteSmallFile(Path(change.file), original), IsOk());
  }
  EXPECT_THAT(OpenBaseModel(path_), IsOk());
}

TEST(BaseConfig, StableDiffusion15sPublishedConfigsAreRead) {
  const auto unet = ParseUNetConfig(
      R"({"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "act_fn": "silu",
          "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280],
          "center_input_sample": false, "cross_attention_dim": 768,
          "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                               "CrossAttnDownBlock2D", "DownBlock2D"],
          "downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4,
          "layers_per_block": 2, "mid_block_scale_factor": 1, "norm_eps": 1e-05,
          "norm_num_groups": 32, "out_channels": 4, "sample_size": 64,
          "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                             "CrossAttnUpBlock2D"]})",
      "unet/config.json");
  ASSERT_THAT(unet, IsOk());
  EXPECT_EQ(unet->heads, (std::vector<int64_t>{8, 8, 8, 8}));
  EXPECT_EQ(unet->up_attention, (std::vector<bool>{false, true, true, true}));
  const auto description = DefaultDescription("stable-diffusion-v1-5", *unet, {}, {});
  EXPECT_EQ(description.name(), "baseModels/stable-diffusion-v1-5");
  EXPECT_EQ(description.resolution(), 512);
  EXPECT_EQ(description.size_multiple(), 64);
  EXPECT_EQ(description.context_tokens(), 77);
}

TEST(BaseConfig, DisabledSettingsMayBeNullFalseOrAList) {
  const auto original = nlohmann::json::parse(UNetConfigJson(UNetConfig()));
  auto json = original;
  json["only_cross_attention"] = {false, false, false, false};
  json["transformer_layers_per_block"] = {1, 1, 1, 1};
  json["dual_cross_attention"] = nullptr;
  json["upcast_attention"] = nullptr;
  json["num_class_embeds"] = nullptr;
  json["class_embed_type"] = false;
  json["cross_attention_norm"] = false;
  json["use_ema_warmup"] = true;
  json["_name_or_path"] = "./unet";
  EXPECT_THAT(ParseUNetConfig(json.dump(), "unet"), IsOk());
  for (const auto& [key, value] :
       std::map<std::string, nlohmann::json>{{"only_cross_attention", {true, true, true, false}},
                                             {"transformer_layers_per_block", {1, 2, 2, 2}},
                                             {"upcast_attention", true},
                                             {"num_class_embeds", 1000},
                                             {"cross_attention_norm", "layer_norm"}}) {
    json = original;
    json[key] = value;
    EXPECT_THAT(ParseUNetConfig(json.dump(), "unet"), HasMessage(HasSubstr("unet: " + key)));
  }
}

TEST(BaseConfig, WrittenConfigsAreReadBack) {
  UNetConfig unet;
  unet.heads = {5, 10, 20, 20};
  unet.use_linear_projection = true;
  unet.freq_shift = 1;
  const auto again = ParseUNetConfig(UNetConfigJson(unet), "unet");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->heads, unet.heads);
  EXPECT_TRUE(again->use_linear_projection);
  EXPECT_EQ(again->freq_shift, 1);
  VaeConfig vae;
  vae.scaling_factor = 0.921;
  EXPECT_EQ(ParseVaeConfig(VaeConfigJson(vae), "vae")->scaling_factor, 0.921);
  ClipTextConfig text;
  text.quick_gelu = false;
  EXPECT_FALSE(ParseClipTextConfig(ClipTextConfigJson(text), "text")->quick_gelu);
  ScheduleConfig schedule;
  schedule.prediction_type = "v_prediction";
  schedule.set_alpha_to_one = true;
  const auto read = ParseScheduleConfig(ScheduleConfigJson(schedule), "scheduler");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->config.prediction_type, "v_prediction");
  EXPECT_EQ(read->config.set_alpha_to_one, true);
  EXPECT_TRUE(read->warnings.empty());
}

TEST(BaseConfig, UnknownScheduleFieldsAreReported) {
  const auto read = ParseScheduleConfig(
      R"({"_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.42.1",
          "lambda_min_clipped": -Infinity, "clip_sample": true, "shift": 3, "note": "-Infinity"})",
      "s.json");
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->warnings, testing::ElementsAre(
                                  "s.json: clip_sample: is not followed, latents are never clipped",
                                  "s.json: note: is not known here and not followed",
                                  "s.json: shift: is not known here and not followed"));
  EXPECT_EQ(read->config.set_alpha_to_one, std::nullopt);
  EXPECT_EQ(read->config.steps_offset, 0);
}

TEST(BaseConfig, ScheduleFieldsThatTrainingNeedsAreRefused) {
  for (const auto& [field, value] : std::vector<std::pair<std::string, std::string>>{
           {"trained_betas", "[0.1]"},
           {"rescale_betas_zero_snr", "true"},
           {"prediction_type", "\"sample\""},
           {"beta_schedule", "\"sigmoid\""},
           {"num_train_timesteps", "0"},
           {"_class_name", "\"FlowMatchEulerDiscreteScheduler\""},
           {"_class_name", "\"EDMEulerScheduler\""}}) {
    const std::string name = field == "_class_name" ? "" : R"("_class_name": "PNDMScheduler", )";
    const auto read = ParseScheduleConfig("{" + name + "\"" + field + "\": " + value + "}", "s");
    EXPECT_THAT(read, HasMessage(HasSubstr("s: " + field + ": must be"))) << field;
  }
}

// Each field stops only the schedulers that would follow it.
TEST(BaseConfig, ScheduleFieldsOfSamplersAreRefusedWhereTheyAreFollowed) {
  struct Field {
    const char* name;
    const char* value;
    const char* follows;  // empty: every scheduler
    const char* ignores;  // empty: none
  };
  for (const Field& field : std::initializer_list<Field>{
           {"thresholding", "true", "ddim", "euler"},
           {"skip_prk_steps", "false", "pndm", "ddim"},
           {"solver_order", "3", "unipc", "ddim"},
           {"variance_type", "\"learned_range\"", "ddpm", "ddim"},
           {"timestep_spacing", "\"even\"", "ddim", ""},
           {"steps_offset", "7", "pndm", ""},
           {"use_beta_sigmas", "true", "heun", "ddim"},
           {"lambda_min_clipped", "-5.1", "dpmsolver++", "euler"},
           {"final_sigmas_type", "\"sigma_min\"", "dpmsolver++_karras", "pndm"},
           {"use_karras_sigmas", "\"yes\"", "euler", "ddpm"},
           {"interpolation_type", "\"log_linear\"", "euler", "heun"},
           {"original_inference_steps", "-1", "lcm", "ddim"},
           {"solver_type", "\"heun\"", "unipc", "ddim"}}) {
    const auto read = ParseScheduleConfig(
        fmt::format(R"({{"_class_name": "PNDMScheduler", "{}": {}}})", field.name, field.value),
        "base/s.json");
    ASSERT_THAT(read, IsOk()) << field.name;
    const auto* found = FirstFollowedBy(read->unsupported, field.follows);
    ASSERT_NE(found, nullptr) << field.name;
    EXPECT_THAT(found->text, testing::StartsWith(fmt::format("s.json: {}: must be", field.name)));
    if (*field.ignores != 0) {
      EXPECT_EQ(FirstFollowedBy(read->unsupported, field.ignores), nullptr) << field.name;
    }
    EXPECT_THAT(read->warnings, testing::Contains(testing::AllOf(
                                    HasSubstr(field.name),
                                    HasSubstr(*field.ignores != 0 ? "not available for generation"
                                                                  : "no scheduler is available"))));
  }
}

TEST(BaseConfig, AnUnknownSchedulerClassIsReadWithAWarning) {
  const auto read = ParseScheduleConfig(
      R"({"_class_name": "NovelScheduler", "beta_start": 0.001, "beta_schedule": "linear"})", "s");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->config.beta_start, 0.001);
  EXPECT_EQ(read->config.beta_schedule, "linear");
  EXPECT_EQ(read->config.beta_end, ScheduleConfig().beta_end);
  EXPECT_THAT(read->warnings, testing::ElementsAre(HasSubstr("NovelScheduler is not known here")));
  EXPECT_THAT(ParseScheduleConfig("{}", "s"), IsOk());
}

std::string IdOf(const std::string& folder) {
  return DefaultDescription(folder, UNetConfig(), {}, {}).name();
}

TEST(BaseDescription, NamesInAnyScriptGiveDifferentIds) {
  EXPECT_EQ(IdOf("stable-diffusion-v1-5"), "baseModels/stable-diffusion-v1-5");
  EXPECT_EQ(IdOf("My Base (1)"), "baseModels/my-base--1-");
  std::set<std::string> ids;
  const std::vector<std::string> names = {"模型",
                                          "图鉴",
                                          "模型2",
                                          "图鉴2",
                                          "модель",
                                          "café",
                                          "cafè",
                                          "🐶",
                                          "🐱",
                                          "\xff",
                                          "\xfe",
                                          "__",
                                          "--",
                                          std::string(80, 'a') + "1",
                                          std::string(80, 'a') + "2"};
  for (const auto& name : names) {
    const std::string id = IdOf(name);
    EXPECT_THAT(id, testing::MatchesRegex("baseModels/[a-z0-9.][a-z0-9.-]{0,62}")) << name;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), names.size());
  EXPECT_THAT(IdOf("café"), testing::StartsWith("baseModels/caf-"));
  EXPECT_EQ(DefaultDescription("模型", UNetConfig(), {}, {}).display_name(), "模型");
}

}  // namespace
}  // namespace vico::worker
