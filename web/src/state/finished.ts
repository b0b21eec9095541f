// Says that a training has its adapter, to somebody who looks at another page by then.
import { JobKind } from "../gen/vico/v1/job_pb";
import { navigate, path } from "../router";
import { idOf } from "../text";
import { jobs, onEvent } from "./jobs";
import { toast } from "./toasts";

export function sayFinishedTrainings(): void {
  onEvent((name, { what }) => {
    const training = jobs.peek().get(name)?.kind === JobKind.TRAINING;
    if (what.case !== "succeeded" || !training || path.peek() === `/${name}`) return;
    const run = () => navigate(`/gallery?adapter=${idOf(what.value.adapter)}`);
    toast("A training is done.", { seconds: 20, action: { label: "Draw with it", run } });
  });
}
