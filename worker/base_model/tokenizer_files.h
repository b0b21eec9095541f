// The tokenizer of a base model on disk: vocab.json and merges.txt, or tokenizer.json alone, and
// the tokens that were added to it.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "worker/base_model/base_files.h"
#include "worker/base_model/base_model.h"

namespace vico::worker {

/// Whether the folder has what ReadTokenizer() needs.
bool HasTokenizer(const BaseFiles& files, const std::string& folder);

/// Sets the texts of `model`'s tokenizer, whose `text` must be set, from the files in `folder` of
/// `files`; "" is the root. tokenizer.json is read where
/// vocab.json or merges.txt is missing. The token that pads prompts is that of
/// tokenizer_config.json, else of special_tokens_map.json, else the end token. Added tokens come
/// from added_tokens.json, tokenizer_config.json and tokenizer.json; one that the text encoder has
/// no row for, or whose id is taken, is left out with a warning.
///
/// In the digest the names begin with "tokenizer/". A file that is only looked at for added tokens
/// counts if it has some.
absl::Status ReadTokenizer(BaseFiles& files, const std::string& folder, BaseModel& model);

}  // namespace vico::worker
