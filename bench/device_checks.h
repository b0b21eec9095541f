// What another device computes beside what the CPU computes, with the tiny base model.
#pragma once

#include <string>

#include <c10/core/Device.h>

#include "worker/personalize/base.h"

namespace vico::bench {

struct DeviceCheck {
  double difference = 0;  ///< relative error; of the picture: the mean over its pixels
  double bound = 0;       ///< that the difference should keep
};

/// Runs one check:
///   group_norm_bf16  group norm of bf16 numbers with a mean of 30 standard deviations, against
///   fp32 unet_fp32        the U-Net, without TF32 unet_tf32        the U-Net as a worker runs it
///   unet_bf16        the U-Net in bf16, against fp32
///   losses           the losses of 8 training steps, the worst; without TF32
///   picture          a picture that an adapter draws in 10 steps, in 256ths; without TF32
/// `cpu` is in fp32 on the CPU. Throws c10::Error, also for an unknown name.
DeviceCheck CheckDevice(const std::string& name, worker::Base& cpu, const c10::Device& device);

}  // namespace vico::bench
