// vico-server tenants create|list|delete.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "common/status.h"
#include "server/blobs/blob_store_local.h"
#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"
#include "server/disk/data_folder.h"
#include "server/store/tenant_eraser.h"

namespace vico::server {
namespace {

constexpr absl::Duration kServersPatience = absl::Seconds(60);

struct TenantsOptions {
  std::string data;
  std::string tenant;
};

absl::Status Create(const TenantsOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.data, clock));
  RETURN_IF_ERROR(folder.tenants->Create(options.tenant).status());
  std::printf("%s\n", options.tenant.c_str());
  return absl::OkStatus();
}

absl::Status List(const TenantsOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder folder, OpenFolder(options.data, clock));
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

/// Waits for the server that has the folder to erase what is marked.
absl::Status WaitForServer(TenantStore& tenants, const std::string& name, const Clock& clock) {
  const absl::Duration until = clock.Uptime() + kServersPatience;
  for (;;) {
    ASSIGN_OR_RETURN(const v1::Tenant tenant, tenants.Get(name));
    if (tenant.state() == v1::TENANT_STATE_DELETED) return absl::OkStatus();
    if (clock.Uptime() > until) {
      return absl::DeadlineExceededError(
          "the server has the folder and is still erasing; `tenants list` says when it is done");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

absl::Status Delete(const TenantsOptions& options) {
  const SystemClock clock;
  ASSIGN_OR_RETURN(const OpenedFolder opened, OpenFolder(options.data, clock));
  RETURN_IF_ERROR(opened.tenants->BeginDelete(options.tenant));
  const auto folder = DataFolder::Open(options.data);
  if (folder.ok()) {
    PosixFiles files;
    ASSIGN_OR_RETURN(const auto blobs, LocalBlobStore::Open((*folder)->BlobPath(), files));
    TenantEraser eraser(*opened.database, *blobs, *opened.tenants, clock);
    RETURN_IF_ERROR(eraser.Run(absl::InfiniteDuration()).status());
  } else if (Reason(folder.status()) == "DATA_FOLDER_IN_USE") {
    RETURN_IF_ERROR(WaitForServer(*opened.tenants, options.tenant, clock));
  } else {
    return folder.status();
  }
  std::printf("%s deleted\n", options.tenant.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddTenantsCommand(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<TenantsOptions>();
  CLI::App& tenants = *app.add_subcommand("tenants", "Whose data the server keeps apart");
  tenants.require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& help, auto run) {
    CLI::App& command = *tenants.add_subcommand(name, help);
    command.add_option("--data", options->data, "The server's folder")->required();
    command.callback([options, run, &exit_code] { exit_code = Ended(run(*options)); });
    return &command;
  };
  const auto named = [&](CLI::App* command) {
    command->add_option("--tenant", options->tenant, "Name: a-z, 0-9, _ and -")->required();
  };
  named(add("create", "Make a tenant", Create));
  add("list", "Names, states, times", List);
  named(add("delete", "Revoke a tenant's keys and remove everything it has", Delete));
}

}  // namespace vico::server
