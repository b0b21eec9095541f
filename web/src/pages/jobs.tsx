// All trainings, generations and evaluations.
import { useSignal } from "@preact/signals";
import { type Job, JobKind } from "../gen/vico/v1/job_pb";
import { jobService } from "../api/clients";
import { Confirm } from "../parts/dialogs";
import { Empty, Head } from "../parts/elements";
import { JobTable } from "../parts/job_table";
import { connection, initialJobs, isFinished, jobs, loadOlder, newestFirst } from "../state/jobs";
import { sayError, toast } from "../state/toasts";
import { plural } from "../text";

const kinds = {
  All: [JobKind.TRAINING, JobKind.GENERATION, JobKind.EVALUATION],
  Trainings: [JobKind.TRAINING],
  Generations: [JobKind.GENERATION],
  Evaluations: [JobKind.EVALUATION],
};
type Kind = keyof typeof kinds;

export function JobsPage() {
  const kind = useSignal<Kind>("All");
  const asking = useSignal(false);
  const more = useSignal(jobs.peek().size >= initialJobs);
  const fits = (job: Job) => kind.value === "All" || kinds[kind.value].includes(job.kind);
  const all = newestFirst(jobs.value.values()).filter(fits);
  const open = all.filter((job) => !isFinished(job));
  const cancelAll = async () => {
    try {
      const answer = await jobService.cancelJobs({ names: open.map((job) => job.name) });
      toast(`${plural(answer.cancelledCount + answer.requestedCount, "job")} cancelled.`);
    } catch (error) {
      sayError(error);
    }
  };
  const older = async () => {
    try {
      more.value = (await Promise.all(kinds[kind.value].map(loadOlder))).some(Boolean);
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <>
      <Head title="Jobs" lead="Trainings, generations and evaluations, the newest first.">
        <div class="segments" role="radiogroup" aria-label="Kind">
          {(Object.keys(kinds) as Kind[]).map((one) => (
            <label key={one}>
              <input type="radio" name="kind" checked={kind.value === one} onChange={() => (kind.value = one)} />
              {one}
            </label>
          ))}
        </div>
        {open.length > 1 && (
          <button type="button" class="button danger" onClick={() => (asking.value = true)}>
            Cancel {plural(open.length, "job")}
          </button>
        )}
      </Head>
      {all.length ? (
        <>
          <JobTable jobs={all} />
          {more.value && (
            <p style={{ marginTop: "20px" }}>
              <button type="button" class="button" onClick={older}>
                Show older
              </button>
            </p>
          )}
        </>
      ) : connection.value === "connecting" ? null : (
        <Empty title="No jobs yet" text="A job appears here as soon as it is queued.">
          <a class="button" href="/">
            Go to the concepts
          </a>
        </Empty>
      )}
      {asking.value && (
        <Confirm
          title={`Cancel ${plural(open.length, "job")}?`}
          text="Queued jobs end at once, running jobs with their next step. Finished pictures stay."
          action="Cancel the jobs"
          onConfirm={() => void cancelAll()}
          onClose={() => (asking.value = false)}
        />
      )}
    </>
  );
}
