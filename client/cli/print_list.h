// Prints a list of messages: as JSON lines, or as a table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/output/output.h"

namespace vico::client {

/// `row_of` returns the cells of an item, one for each title.
template <typename Items, typename RowOf>
void PrintItems(const Items& items, const std::vector<std::string>& titles, const RowOf& row_of,
                CommandContext& context) {
  if (context.json) {
    for (const auto& item : items) context.out << JsonLine(item) << '\n';
    return;
  }
  std::vector<std::vector<std::string>> rows = {titles};
  for (const auto& item : items) rows.push_back(row_of(item));
  context.out << Table(rows);
}

/// The same for the newest entries of a collection. Says on `err` how many others there are.
template <typename Item, typename RowOf>
void PrintList(const Listing<Item>& listing, const std::vector<std::string>& titles,
               const RowOf& row_of, CommandContext& context) {
  PrintItems(listing.items, titles, row_of, context);
  if (listing.total <= listing.items.size()) return;
  context.err << fmt::format("{} of {}; --limit shows more\n", listing.items.size(), listing.total);
}

}  // namespace vico::client
