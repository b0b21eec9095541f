// The cases of text encoder, autoencoder, U-Net and the denoising loop of the bare base model.
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/parity.h"
#include "worker/base_model/base_model.h"
#include "worker/engine/loaded_base.h"
#include "worker/personalize/generator.h"

namespace vico::parity {

using worker::BaseModel;
using worker::ClipText;
using worker::GenerateOptions;
using worker::LoadBase;
using worker::LoadParameters;
using worker::MakeTokenizer;
using worker::OpenBaseModel;
using worker::OpenWeights;
using worker::UNet;
using worker::Vae;
using worker::WeightFiles;

namespace {

BaseModel Open(const std::string& directory) {
  auto model = OpenBaseModel(directory);
  if (!model.ok()) throw std::runtime_error(std::string(model.status().message()));
  return *std::move(model);
}

/// Loads only the network of a case, so that the peak memory is that network's.
template <class Holder>
void Load(Holder& network, const WeightFiles& files, torch::ScalarType dtype) {
  const auto weights = OpenWeights(files);
  const auto status =
      weights.ok() ? LoadParameters(*network, weights->tensors, files.source()) : weights.status();
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
  network->to(dtype);
  network->eval();
  for (auto& p : network->parameters()) p.set_requires_grad(false);
}

Answer Text(const Request& request) {
  const BaseModel model = Open(request.base_model);
  ClipText text(model.text);
  Load(text, model.text_weights, request.dtype);
  Answer answer;
  answer.seconds =
      Time(request.repeats, [&] { answer.output["states"] = text(request.input.at("ids")); });
  return answer;
}

Answer Autoencoder(const Request& request, bool encode) {
  const BaseModel model = Open(request.base_model);
  Vae vae(model.vae);
  Load(vae, model.vae_weights, request.dtype);
  Answer answer;
  answer.seconds = Time(request.repeats, [&] {
    if (encode) {
      const auto found = vae->Encode(request.input.at("picture").to(request.dtype));
      answer.output = {{"mean", found.mean}, {"std", found.std}};
    } else {
      answer.output["picture"] = vae->Decode(request.input.at("latent").to(request.dtype));
    }
  });
  return answer;
}

Answer Noise(const Request& request) {
  const BaseModel model = Open(request.base_model);
  UNet unet(model.unet);
  Load(unet, model.unet_weights, request.dtype);
  Answer answer;
  answer.seconds = Time(request.repeats, [&] {
    answer.output["noise"] =
        unet(request.input.at("latent").to(request.dtype), request.input.at("timestep"),
             request.input.at("text").to(request.dtype));
  });
  return answer;
}

Answer Ddim(const Request& request) {
  auto loaded = LoadBase(request.base_model, "", torch::Device(torch::kCPU), request.threads);
  if (!loaded.ok()) throw std::runtime_error(std::string(loaded.status().message()));
  GenerateOptions options;
  options.prompt = request.text.at("prompt");
  options.seeds = {0};
  Answer answer;
  options.steps = 1;  // warm-up
  Denoise(loaded->base, nullptr, options, {.noise = request.input.at("noise")}, {});
  options.steps = 10;
  answer.seconds = Time(0, [&] {
    answer.output["latent"] =
        Denoise(loaded->base, nullptr, options, {.noise = request.input.at("noise")}, {});
  });
  return answer;
}

}  // namespace

Answer RunNetwork(const std::string& name, const Request& request) {
  const at::NoGradGuard no_grad;
  if (name == "text") return Text(request);
  if (name == "vae_encode" || name == "vae_decode") {
    return Autoencoder(request, name == "vae_encode");
  }
  if (name == "unet") return Noise(request);
  if (name == "ddim") return Ddim(request);
  throw std::runtime_error(fmt::format("{}: no such case", name));
}

std::string Tokenize(const std::string& base_model, const std::string& texts_json) {
  const BaseModel model = Open(base_model);
  const auto tokenizer = MakeTokenizer(model);
  if (!tokenizer.ok()) throw std::runtime_error(std::string(tokenizer.status().message()));
  auto content = nlohmann::json::array(), padded = nlohmann::json::array();
  for (const auto& text : nlohmann::json::parse(texts_json)) {
    const auto bytes = text.get<std::string>();
    content.push_back(tokenizer->Encode(bytes));
    padded.push_back(tokenizer->EncodePrompt(bytes, "", 77).ids);
  }
  return nlohmann::json{{"content", content}, {"padded", padded}}.dump();
}

}  // namespace vico::parity
