#include "toyworld/evaluation/tested_base.h"

#include <chrono>
#include <utility>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "common/crypto/sha256.h"
#include "common/log.h"
#include "common/status.h"
#include "worker/engine/loaded_base.h"
#include "worker/engine/train_options.h"
#include "worker/io/adapter.h"
#include "worker/io/image.h"
#include "worker/torch_engine/torch_engine.h"
#include "worker/train/trainer.h"

namespace vico::toyworld {

using worker::Adapter;
using worker::AdapterBytes;
using worker::AdapterFile;
using worker::AdapterSource;
using worker::AdapterTarget;
using worker::BaseModelOffer;
using worker::BlockStart;
using worker::Dialect;
using worker::EncodePng;
using worker::GenerateCallbacks;
using worker::LearnedMask;
using worker::LoadBase;
using worker::LoadedBase;
using worker::LoadSquare;
using worker::MakeAdapter;
using worker::OpenTorchEngine;
using worker::ParseAdapter;
using worker::PictureMask;
using worker::Pixels;
using worker::PngPicture;
using worker::StepReport;
using worker::TorchEngineOptions;
using worker::TrainAdapter;
using worker::TrainCallbacks;
using worker::TrainedAdapter;
using worker::TrainingSample;
using worker::TrainOptions;
using worker::TrainOptionsOf;
using worker::TrainStep;

namespace {

cv::Mat Decoded(const std::string& png, int mode) {
  const cv::Mat raw(1, static_cast<int>(png.size()), CV_8UC1, const_cast<char*>(png.data()));
  cv::Mat picture = cv::imdecode(raw, mode);
  if (picture.channels() == 3) cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  return picture;
}

Pixels ToPixels(const cv::Mat& picture) {
  const cv::Mat whole = picture.isContinuous() ? picture : picture.clone();
  return {.width = whole.cols,
          .height = whole.rows,
          .rgb = {whole.data, whole.data + whole.total() * 3}};
}

absl::StatusOr<std::vector<std::string>> Pngs(const HeldOutConcept& shown) {
  std::vector<std::string> pngs;
  for (const Drawing& drawing : shown.pictures) {
    ASSIGN_OR_RETURN(std::string png, EncodePng(ToPixels(drawing.image)));
    pngs.push_back(std::move(png));
  }
  return pngs;
}

// [P, 3, side, side] in 0..1.
absl::StatusOr<torch::Tensor> Squares(const std::vector<std::string>& pngs,
                                      const BaseModelOffer& offer) {
  std::vector<torch::Tensor> squares;
  for (const std::string& png : pngs) {
    ASSIGN_OR_RETURN(torch::Tensor square, LoadSquare(png, offer.base_model.resolution()));
    squares.push_back(std::move(square));
  }
  return torch::stack(squares);
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TestedBase>> TestedBase::Open(const std::string& directory,
                                                             int threads,
                                                             const std::string& device) {
  auto base = std::unique_ptr<TestedBase>(new TestedBase);
  base->directory_ = directory;
  base->threads_ = threads;
  base->device_ = torch::Device(device);
  const TorchEngineOptions options{
      .base_models = {directory}, .device = device, .threads = threads, .code_version = "toyworld"};
  ASSIGN_OR_RETURN(base->engine_, OpenTorchEngine(options, Log::Off()));
  base->offer_ = base->engine_->offers().front();
  return base;
}

v1::TrainSpec TestedBase::Spec(const Variant& variant, const HeldOutConcept& shown,
                               int steps) const {
  v1::TrainSpec spec = offer_.base_model.training_defaults();
  spec.set_concept_name("concepts/" + shown.name);
  spec.set_base_model(offer_.base_model.name());
  spec.set_init_word(std::string(kClassNames[static_cast<size_t>(shown.instance.toy_class)]));
  spec.set_sample_every_steps(0);
  spec.set_seed(1);
  if (steps > 0) spec.set_steps(steps);
  variant.change(spec);
  return spec;
}

absl::StatusOr<Learned> TestedBase::Train(const Variant& variant, const HeldOutConcept& shown,
                                          int steps) {
  const v1::TrainSpec spec = Spec(variant, shown, steps);
  ASSIGN_OR_RETURN(const std::vector<std::string> pictures, Pngs(shown));
  Learned learned;
  const auto start = std::chrono::steady_clock::now();
  if (variant.embedding_only) {
    ASSIGN_OR_RETURN(learned.bytes.safetensors, TrainEmbedding(spec, pictures));
  } else {
    TrainCallbacks callbacks;
    callbacks.on_step = [](const TrainStep&) { return true; };
    callbacks.keep_going = [] { return true; };
    callbacks.on_sample = [](const TrainingSample&) {};
    // Not used: it reports only the finest site.
    callbacks.on_mask = [](const LearnedMask&) {};
    callbacks.on_warning = [](const std::string&, const std::string&) {};
    ASSIGN_OR_RETURN(TrainedAdapter trained, engine_->Train(spec, pictures, callbacks));
    learned.bytes.safetensors = std::move(trained.safetensors);
  }
  learned.seconds = SecondsSince(start);
  learned.bytes.reference = pictures.front();
  if (!variant.embedding_only) {
    ASSIGN_OR_RETURN(learned.masks, Masks(spec, pictures, learned.bytes.safetensors));
  }
  learned.adapter.set_name("adapters/" + shown.name);
  learned.adapter.mutable_blob()->set_sha256(Sha256Hex(learned.bytes.safetensors));
  learned.adapter.mutable_reference()->set_sha256(Sha256Hex(learned.bytes.reference));
  return learned;
}

absl::StatusOr<std::vector<std::vector<cv::Mat>>> TestedBase::Masks(
    const v1::TrainSpec& spec, const std::vector<std::string>& pictures,
    const std::string& adapter) {
  ASSIGN_OR_RETURN(LoadedBase loaded, LoadBase(directory_, "", device_, threads_));
  ASSIGN_OR_RETURN(const torch::Tensor pictures01, Squares(pictures, offer_));
  const AdapterTarget target = loaded.adapter_target();
  ASSIGN_OR_RETURN(const AdapterFile file, ParseAdapter(adapter, "adapter", target));
  Adapter module = MakeAdapter(file, target.transformers);
  module->to(device_);
  std::vector<std::vector<cv::Mat>> masks;
  for (const PictureMask& found :
       LearnedMasks(loaded.base, module, pictures01,
                    spec.dialect() == v1::DIALECT_MMAGIC ? Dialect::kMmagic : Dialect::kPaper)) {
    if (found.picture == 0) masks.emplace_back();
    const torch::Tensor grey = (found.mask.cpu().to(torch::kUInt8) * 255).contiguous();
    masks.back().push_back(cv::Mat(static_cast<int>(grey.size(0)), static_cast<int>(grey.size(1)),
                                   CV_8UC1, grey.data_ptr<uint8_t>())
                               .clone());
  }
  return masks;
}

// Blocks that start at zero and have a learning rate of 0 do not change the base: only the word is
// learned.
absl::StatusOr<std::string> TestedBase::TrainEmbedding(const v1::TrainSpec& spec,
                                                       const std::vector<std::string>& pictures) {
  ASSIGN_OR_RETURN(LoadedBase loaded, LoadBase(directory_, "", device_, threads_));
  ASSIGN_OR_RETURN(const torch::Tensor pictures01, Squares(pictures, offer_));
  ASSIGN_OR_RETURN(TrainOptions options, TrainOptionsOf(loaded.base, spec));
  options.attention_learning_rate = 0;
  options.start = BlockStart::kZero;
  Adapter adapter = TrainAdapter(loaded.base, pictures01, options,
                                 [](const StepReport&, Adapter&) { return true; });
  AdapterFile file;
  file.base_model_digest = digest();
  file.placeholder = spec.placeholder();
  file.init_word = spec.init_word();
  file.sites = adapter->site_names();
  file.steps = spec.steps();
  file.seed = spec.seed();
  file.code_version = "toyworld";
  file.config = "{}";
  file.reference_sha256 = Sha256Hex(pictures.front());
  file.tensors = adapter->NamedTensors();
  return SerializeAdapter(file);
}

absl::StatusOr<std::vector<cv::Mat>> TestedBase::Draw(const std::string& prompt,
                                                      const std::vector<uint64_t>& seeds,
                                                      const Learned* learned) {
  v1::GenerateSpec spec = offer_.base_model.generation_defaults();
  spec.set_base_model(offer_.base_model.name());
  spec.set_prompt(prompt);
  for (const uint64_t seed : seeds) spec.add_seeds(seed);
  AdapterSource source;
  if (learned != nullptr) {
    source.adapter = learned->adapter;
    source.fetch = [&]() -> absl::StatusOr<AdapterBytes> { return learned->bytes; };
  }
  std::vector<cv::Mat> pictures(seeds.size());
  GenerateCallbacks callbacks;
  callbacks.on_step = [](int64_t, int64_t) { return true; };
  callbacks.on_preview = [](int, int64_t, const PngPicture&) {};
  callbacks.on_picture = [&](int index, const PngPicture& picture) {
    pictures[static_cast<size_t>(index)] = Decoded(picture.bytes, cv::IMREAD_COLOR);
  };
  callbacks.on_warning = [](const std::string&, const std::string&) {};
  const auto drawn =
      engine_->Generate(spec, {.adapter = learned == nullptr ? nullptr : &source}, callbacks);
  RETURN_IF_ERROR(drawn.status());
  return pictures;
}

absl::StatusOr<std::vector<cv::Mat>> TestedBase::ThroughAutoencoder(
    const std::vector<cv::Mat>& pictures) {
  const torch::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(LoadedBase loaded, LoadBase(directory_, "", device_, threads_));
  std::vector<cv::Mat> kept;
  for (const cv::Mat& picture : pictures) {
    const torch::Tensor image01 = vico::worker::ToTensor(ToPixels(picture)).unsqueeze(0);
    const Pixels decoded =
        vico::worker::ToPixels(loaded.base.Decode(loaded.base.Encode(image01).mean)[0]);
    cv::Mat copy(decoded.height, decoded.width, CV_8UC3);
    std::copy(decoded.rgb.begin(), decoded.rgb.end(), copy.data);
    kept.push_back(copy);
  }
  return kept;
}

}  // namespace vico::toyworld
