// Prints a list of messages: as JSON lines, or as a table.
#pragma once

#include <string>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace vico::client {

/// `row_of` returns the cells of an item, one for each title.
template <typename Items, typename RowOf>
void PrintList(const Items& items, const std::vector<std::string>& titles, const RowOf& row_of,
               CommandContext& context) {
  if (context.json) {
    for (const auto& item : items) context.out << JsonLine(item) << '\n';
    return;
  }
  std::vector<std::vector<std::string>> rows = {titles};
  for (const auto& item : items) rows.push_back(row_of(item));
  context.out << Table(rows);
}

}  // namespace vico::client
