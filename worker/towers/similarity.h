// The figures CLIP-I, CLIP-T and DINO of personalised pictures: cosines of embeddings. The figure
// of several pictures is the mean of theirs. Source: the evaluation metrics of DreamBooth
// (arXiv:2208.12242); CLIP-I and CLIP-T are older (Textual Inversion, arXiv:2208.01618). N real
// pictures, M generated ones, D numbers an embedding.
#pragma once

#include "worker/model/torch.h"

namespace vico::worker {

// All figures are in -1..1, in fp64, and higher is more alike. They do not depend on the lengths of
// the embeddings. Only figures of the same tower with the same preprocessing may be compared. The
// functions throw c10::Error for no embeddings, other shapes, and embeddings of length 0 or with
// numbers that are not finite.

/// Whether the pictures show the subject, as CLIP sees it: the mean cosine of each generated
/// picture with the real ones, [M]. `real` [N, D] and `generated` [M, D] are
/// ClipTower::ImageEmbedding().
torch::Tensor ClipI(const torch::Tensor& real, const torch::Tensor& generated);

/// The same with DinoTower::Features(). DINO (arXiv:2104.14294) is not trained to ignore the
/// differences between subjects of one class, so this figure tells them apart better.
torch::Tensor Dino(const torch::Tensor& real, const torch::Tensor& generated);

/// Whether the pictures show what their prompts say: the cosine of each generated picture with its
/// prompt, [M]. `generated` [M, D] are ClipTower::ImageEmbedding(), and `prompts` [M, D], or [1, D]
/// for one prompt of all pictures, ClipTower::TextEmbedding().
torch::Tensor ClipT(const torch::Tensor& generated, const torch::Tensor& prompts);

/// The largest cosine of each generated picture with a real one, [M]: near 1 for a copy.
torch::Tensor NearestReal(const torch::Tensor& real, const torch::Tensor& generated);

}  // namespace vico::worker
