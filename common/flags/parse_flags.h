// Parses the command line of a program, and says what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace vico {

/// The type names of options whose value is a path, which may have any bytes: the system's names of
/// files are no text. The value of every other option must be UTF-8.
inline constexpr char kFileType[] = "FILE";
inline constexpr char kFolderType[] = "FOLDER";
inline constexpr char kPathType[] = "PATH";

/// Why a program ends after it has parsed its command line.
struct FlagsEnd {
  int exit_code = 0;  ///< 0 for --help and --version, 2 for an error
  std::string out;    ///< for standard output
  std::string err;    ///< for standard error; ends with a line feed
};

/// Parses `words`, without the name of the program; nullopt: the program goes on. An error names
/// the option and, for a word that `app` does not know, a similar one that it does.
std::optional<FlagsEnd> ParseFlags(CLI::App& app, std::vector<std::string> words);

/// The same for main(): prints the texts and returns the exit code.
std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv);

}  // namespace vico
