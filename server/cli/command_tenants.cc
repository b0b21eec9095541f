// vico-server tenants create|list|delete.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "common/flags/parse_flags.h"
#include "common/status.h"
#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"
#include "server/storage/storage.h"

namespace vico::server {
namespace {

constexpr absl::Duration kServerTimeout = absl::Seconds(60);

struct TenantsOptions {
  DatabasePlace place;
  std::string tenant;
};

absl::Status CreateTenant(const TenantsOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
  RETURN_IF_ERROR(folder.tenants->Create(options.tenant).status());
  std::printf("%s\n", options.tenant.c_str());
  return absl::OkStatus();
}

absl::Status ListTenants(const TenantsOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
  std::string token;
  do {
    ASSIGN_OR_RETURN(const TenantPage page, folder.tenants->List(100, token));
    for (const v1::Tenant& tenant : page.tenants) {
      std::printf("%s\t%s\t%s\n", tenant.name().c_str(),
                  std::string(TenantStateName(tenant.state())).c_str(),
                  TimeText(tenant.has_create_time(), tenant.create_time()).c_str());
    }
    token = page.next_page_token;
  } while (!token.empty());
  return absl::OkStatus();
}

/// Waits until the server that uses the folder has erased the tenant.
absl::Status WaitForServer(TenantStore& tenants, const std::string& name, const Clock& clock) {
  const absl::Duration until = clock.Uptime() + kServerTimeout;
  for (;;) {
    ASSIGN_OR_RETURN(const v1::Tenant tenant, tenants.Get(name));
    if (tenant.state() == v1::TENANT_STATE_DELETED) return absl::OkStatus();
    if (clock.Uptime() > until) {
      return absl::DeadlineExceededError(
          "the server is still erasing the tenant; `tenants list` shows when it is deleted");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

absl::Status DeleteTenant(const TenantsOptions& options) {
  const SystemClock clock;
  {
    ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
    RETURN_IF_ERROR(folder.tenants->BeginDelete(options.tenant));
  }
  if (!options.place.flags.url.empty()) {
    ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
    RETURN_IF_ERROR(WaitForServer(*folder.tenants, options.tenant, clock));
    std::printf("%s deleted\n", options.tenant.c_str());
    return absl::OkStatus();
  }
  PosixFiles files;
  EventFeed feed;
  const auto storage = Storage::Open({.data = options.place.data}, clock, files, feed, Log::Off());
  if (storage.ok()) {
    RETURN_IF_ERROR((*storage)->tenant_eraser().Run(absl::InfiniteDuration()).status());
  } else if (Reason(storage.status()) == "DATA_FOLDER_IN_USE") {
    ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.place, clock));
    RETURN_IF_ERROR(WaitForServer(*folder.tenants, options.tenant, clock));
  } else {
    return storage.status();
  }
  std::printf("%s deleted\n", options.tenant.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddTenantsCommand(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<TenantsOptions>();
  CLI::App& tenants =
      *app.add_subcommand("tenants", "Tenants, whose data the server keeps separate");
  tenants.require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& help, auto run) {
    CLI::App& command = *tenants.add_subcommand(name, help);
    AddDatabasePlace(command, options->place);
    command.callback([options, run, &exit_code] {
      exit_code = EndedByDisk(run(*options), options->place.data);
    });
    return &command;
  };
  const auto named = [&](CLI::App* command) {
    command->add_option("--tenant", options->tenant, "Name: a-z, 0-9, _ and -")->required();
  };
  named(add("create", "Create a tenant", CreateTenant));
  add("list", "Print names, states and times", ListTenants);
  named(add("delete", "Revoke a tenant's keys and erase all its data", DeleteTenant));
}

}  // namespace vico::server
