// Says what a file is from its first bytes, so that an error names what a user sent by mistake. The
// one table of file signatures.
#pragma once

#include <string_view>

namespace vico {

enum class FileKind { kPicture, kCameraRaw, kMedia, kDocument, kArchive, kModel, kText, kOther };

struct FileType {
  std::string_view name;  ///< with its article, as "a HEIC picture"
  FileKind kind = FileKind::kOther;
  std::string_view advice = {};  ///< what to do to get a usable file, a clause; may be empty
};

/// The bytes of a file's start that FindFileType() reads at most.
inline constexpr size_t kSignatureBytes = 4096;

/// The type of a file that begins with `bytes`; nullptr when no signature matches. Names some files
/// that no part of Vico reads, and JPEG, PNG, WebP and safetensors too. Any thread.
const FileType* FindFileType(std::string_view bytes);

}  // namespace vico
