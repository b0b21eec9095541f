// vico-server keys create|list|revoke.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "common/flags/parse_flags.h"
#include "common/status.h"
#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"

namespace vico::server {
namespace {

struct KeysOptions {
  DatabasePlace place;
  std::string tenant;
  std::string role = "user";
  std::string id;
};

/// Only the key goes to standard output, so that it can be redirected to a file.
absl::Status CreateKey(const KeysOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
  const v1::KeyRole role = options.role == "user" ? v1::KEY_ROLE_USER : v1::KEY_ROLE_TENANT_ADMIN;
  ASSIGN_OR_RETURN(const CreatedKey created, folder.tenants->CreateKey(options.tenant, role));
  std::fprintf(stderr, "Key %s of tenant %s; it cannot be shown again:\n", created.key.id().c_str(),
               options.tenant.c_str());
  std::printf("%s\n", created.secret.Reveal().c_str());
  return absl::OkStatus();
}

absl::Status ListKeys(const KeysOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
  ASSIGN_OR_RETURN(const auto keys, folder.tenants->ListKeys(options.tenant));
  for (const v1::ApiKey& key : keys) {
    std::printf("%s\t%s\t%s\t%s\n", key.id().c_str(), std::string(KeyRoleName(key.role())).c_str(),
                TimeText(key.has_create_time(), key.create_time()).c_str(),
                key.has_revoke_time() ? ("revoked " + TimeText(true, key.revoke_time())).c_str()
                                      : "active");
  }
  return absl::OkStatus();
}

absl::Status RevokeKey(const KeysOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
  RETURN_IF_ERROR(folder.tenants->RevokeKey(options.tenant, options.id).status());
  std::printf("%s revoked\n", options.id.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddKeysCommand(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<KeysOptions>();
  CLI::App& keys = *app.add_subcommand("keys", "API keys of a tenant");
  keys.require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& help, auto run) {
    CLI::App& command = *keys.add_subcommand(name, help);
    AddDatabasePlace(command, options->place);
    command.add_option("--tenant", options->tenant, "Tenant of the keys")->required();
    command.callback([options, run, &exit_code] {
      exit_code = EndedByDisk(run(*options), options->place.data);
    });
    return &command;
  };
  add("create", "Create a key and print it; it cannot be printed again", CreateKey)
      ->add_option("--role", options->role, "user, or tenant-admin: may manage the tenant's keys")
      ->check(CLI::IsMember({"user", "tenant-admin"}))
      ->capture_default_str();
  add("list", "Print ids, roles and times, without the keys", ListKeys);
  add("revoke", "Revoke a key; calls with it are refused within 5 s", RevokeKey)
      ->add_option("ID", options->id, "From `keys list`, or the key's middle part")
      ->required();
}

}  // namespace vico::server
