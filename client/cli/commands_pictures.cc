// vico pictures upload|delete.
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/output/output.h"
#include "client/output/progress.h"
#include "common/status.h"

namespace vico::client {

CommandResult Run(const PicturesUpload& command, CommandContext& context) {
  ProgressDisplay display(context.err, context.columns);
  ASSIGN_OR_RETURN(const v1::UploadedPicture uploaded,
                   context.client.UploadPicture(command.file, display.ForTransfer("upload")));
  display.Close();
  if (context.json) {
    context.out << JsonLine(uploaded) << '\n';
    return kExitOk;
  }
  context.out << Printable(uploaded.name()) << '\n';
  context.err << fmt::format("{} x {}, expires {} UTC\n", uploaded.width(), uploaded.height(),
                             TimeText(uploaded.expire_time()));
  return kExitOk;
}

CommandResult Run(const PicturesDelete& command, CommandContext& context) {
  RETURN_IF_ERROR(context.client.DeletePicture(command.name));
  return kExitOk;
}

}  // namespace vico::client
