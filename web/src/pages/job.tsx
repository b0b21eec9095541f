// One job, live: where it stands, what can be done with it, and what it makes.
import { useSignal } from "@preact/signals";
import { jobService, requestId } from "../api/clients";
import { type Job, JobState } from "../gen/vico/v1/job_pb";
import { Confirm } from "../parts/dialogs";
import { Busy, ErrorNote, Head } from "../parts/elements";
import { jobTitle, StateChip } from "../parts/job_table";
import { TrainFurther } from "../parts/train_further";
import { navigate } from "../router";
import { type History, useHistory } from "../state/history";
import { isFinished, jobs, putJob, removeJob } from "../state/jobs";
import { sayError, toast } from "../state/toasts";
import { duration, forPeople, idOf, plural, seconds, when } from "../text";
import { Details } from "./job_details";
import { Evaluation } from "./job_evaluation";
import { Generation } from "./job_generation";
import { Training } from "./job_training";

export function JobPage({ name }: { name: string }) {
  const history = useHistory(name);
  const job = jobs.value.get(name);
  if (!job) return history.error ? <ErrorNote error={history.error} /> : <Busy />;
  const kind = job.spec?.kind;
  return (
    <>
      <JobHead job={job} />
      <Standing job={job} history={history} />
      {kind?.case === "train" && <Training job={job} spec={kind.value} history={history} />}
      {kind?.case === "generate" && <Generation job={job} spec={kind.value} history={history} />}
      {kind?.case === "evaluate" && <Evaluation job={job} spec={kind.value} />}
      <Details job={job} history={history} />
    </>
  );
}

function JobHead({ job }: { job: Job }) {
  const asking = useSignal<"" | "cancel" | "delete" | "further">("");
  const act = async (work: () => Promise<Job>, said: string) => {
    try {
      putJob(await work());
      toast(said);
    } catch (error) {
      sayError(error);
    }
  };
  const { name } = job;
  const done = isFinished(job);
  const training = job.spec?.kind.case === "train";
  const evaluated = job.spec?.kind.case === "evaluate" ? idOf(job.spec.kind.value.adapter) : "";
  const canFinish =
    training && job.state === JobState.RUNNING && job.step > 0n && !job.finishRequested && !job.cancelRequested;
  return (
    <Head title={jobTitle(job)} crumb={<a href="/jobs">Jobs</a>}>
      {training && job.adapter && (
        <>
          <a class="button main" href={`/gallery?adapter=${idOf(job.adapter)}`}>
            Draw with it
          </a>
          <a class="button" href={`/adapters/${idOf(job.adapter)}`}>
            The adapter
          </a>
          <button type="button" class="button" onClick={() => (asking.value = "further")}>
            Train further
          </button>
        </>
      )}
      {evaluated && (
        <a class={job.state === JobState.SUCCEEDED ? "button main" : "button"} href={`/adapters/${evaluated}/report`}>
          The report
        </a>
      )}
      {canFinish && (
        <button
          type="button"
          class="button"
          onClick={() =>
            void act(
              () => jobService.finishTraining({ name }),
              "The training ends with its next step and keeps the adapter.",
            )
          }
        >
          Finish early
        </button>
      )}
      {!done && !job.cancelRequested && (
        <button type="button" class="button danger" onClick={() => (asking.value = "cancel")}>
          Cancel
        </button>
      )}
      {(job.state === JobState.FAILED || job.state === JobState.CANCELLED) && (
        <button
          type="button"
          class="button main"
          onClick={async () => {
            try {
              const again = await jobService.retryJob({ name, requestId: requestId() });
              putJob(again);
              navigate(`/jobs/${idOf(again.name)}`);
            } catch (error) {
              sayError(error);
            }
          }}
        >
          Try again
        </button>
      )}
      {done && (
        <button type="button" class="button danger" onClick={() => (asking.value = "delete")}>
          Delete
        </button>
      )}
      {asking.value === "cancel" && (
        <Confirm
          title="Cancel this job?"
          text={whatIsLost(job, "cancel")}
          action="Cancel the job"
          onConfirm={() => void act(() => jobService.cancelJob({ name }), "The job is being cancelled.")}
          onClose={() => (asking.value = "")}
        />
      )}
      {asking.value === "delete" && (
        <Confirm
          title="Delete this job?"
          text={whatIsLost(job, "delete")}
          action="Delete"
          onConfirm={async () => {
            try {
              await jobService.deleteJob({ name });
              removeJob(name);
              navigate("/jobs");
            } catch (error) {
              sayError(error);
            }
          }}
          onClose={() => (asking.value = "")}
        />
      )}
      {asking.value === "further" && <TrainFurther adapter={job.adapter} onClose={() => (asking.value = "")} />}
    </Head>
  );
}

function whatIsLost(job: Job, by: "cancel" | "delete"): string {
  switch (job.spec?.kind.case) {
    case "train":
      return by === "cancel"
        ? "The adapter so far is lost. “Finish early” would keep it."
        : "Its events and samples are removed. The adapter stays.";
    case "evaluate":
      return by === "cancel" ? "What was measured so far is lost." : "Its events are removed. The report stays.";
    default:
      return by === "cancel" ? "Pictures that are finished stay." : "Its pictures are removed.";
  }
}

/** Where the job stands, in a line and a bar; said aloud when the state changes, not at each step. */
function Standing({ job, history }: { job: Job; history: History }) {
  const step = Number(history.progress?.step ?? job.step);
  const total = Number(history.progress?.totalSteps || job.totalSteps);
  const left = seconds(history.progress?.eta);
  const running = job.state === JobState.RUNNING;
  return (
    <div class="stack tight" style={{ marginBottom: "26px" }}>
      <div class="row spread">
        <div class="row">
          <span role="status">
            <StateChip job={job} />
          </span>
          <span class="muted">{sentence(job)}</span>
          {!isFinished(job) && <span class="muted">You can leave this page; the job goes on.</span>}
        </div>
        {running && total > 0 && (
          <span class="muted number">
            step {step} of {total}
            {left > 0 && ` · about ${duration(left)} left`}
          </span>
        )}
      </div>
      {running && <progress aria-label="Progress" max={total || 1} value={total ? step : 0} />}
      {job.error && (
        <div class="note bad" role="alert">
          {forPeople(job.error.message)}
        </div>
      )}
      {history.warnings.map((warning) => (
        <div class="note warm" key={warning.message}>
          {forPeople(warning.message)}
        </div>
      ))}
    </div>
  );
}

function sentence(job: Job): string {
  if (job.cancelRequested && !isFinished(job)) return "It is cancelled; the worker learns it with its next report.";
  if (job.finishRequested && !isFinished(job)) return "It ends with its next step and keeps the adapter.";
  switch (job.state) {
    case JobState.QUEUED:
      if (job.baseModelUnavailable) return "No worker serves its base model now. It waits for one.";
      return job.queuePosition
        ? `${plural(Number(job.queuePosition), "job")} before it in the queue.`
        : "Next in the queue.";
    case JobState.RUNNING:
      return job.attempt > 1 ? `Attempt ${job.attempt}.` : "";
    case JobState.SUCCEEDED:
    case JobState.FAILED:
    case JobState.CANCELLED:
      return when(job.finishTime);
    default:
      return "";
  }
}
