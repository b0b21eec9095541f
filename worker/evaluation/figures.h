// The figures of a report, from those of its pictures.
#pragma once

#include <string>
#include <vector>

#include "vico/v1/adapter.pb.h"
#include "worker/evaluation/judge.h"

namespace vico::worker {

/// Which pictures were measured: first those of the base model alone, then those with the adapter,
/// each with all pictures of the first prompt first.
struct PictureOrder {
  int prompts = 0;
  int pictures_of_prompt = 0;

  int before(int prompt, int picture) const { return prompt * pictures_of_prompt + picture; }
  int after(int prompt, int picture) const {
    return (prompts + prompt) * pictures_of_prompt + picture;
  }
};

/// Means over the pictures that the figure says something of; NaN in after_by_prompt for a prompt
/// with none. A figure that says nothing of the pictures before, or of those after, is left out.
void AddFigures(const std::vector<PictureFigure>& measured, const std::string& measured_with,
                const PictureOrder& order, v1::AdapterReport& report);

}  // namespace vico::worker
