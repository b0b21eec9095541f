// Jobs as rows: what, how far, since when.
import { type Job, JobState } from "../gen/vico/v1/job_pb";
import { adapterNamed } from "../state/catalog";
import { isFinished } from "../state/jobs";
import { promptLine } from "../state/prompts";
import { adapterTitle, ago, idOf, shortId, stateWord } from "../text";
import { Thumb } from "./picture";

export function StateChip({ job }: { job: Job }) {
  const kind = { [JobState.FAILED]: "bad", [JobState.SUCCEEDED]: "on" } as Partial<Record<JobState, string>>;
  const waiting = job.state === JobState.QUEUED;
  const word = job.cancelRequested && !isFinished(job) ? "stopping" : stateWord[job.state];
  return <span class={`chip ${kind[job.state] ?? (waiting ? "warm" : "")}`}>{word}</span>;
}

/** Where a queued job stands, or how far a running one is. */
export function Standing({ job }: { job: Job }) {
  if (job.state === JobState.QUEUED) {
    if (job.baseModelUnavailable) return <span class="muted">waits for a worker with its base model</span>;
    return <span class="muted">{job.queuePosition ? `${job.queuePosition} before it` : "next in the queue"}</span>;
  }
  if (job.state === JobState.RUNNING && job.totalSteps > 0n)
    return <progress aria-label="Progress" max={Number(job.totalSteps)} value={Number(job.step)} />;
  return null;
}

export function jobTitle(job: Job): string {
  if (job.displayName) return job.displayName;
  const kind = job.spec?.kind;
  if (kind?.case === "train")
    return `Training of a ${kind.value.initWord}${kind.value.continuedAdapter ? ", continued" : ""}`;
  if (kind?.case === "generate") return promptLine(kind.value);
  if (kind?.case === "evaluate") {
    const adapter = adapterNamed(kind.value.adapter);
    return `Evaluation of ${adapter ? adapterTitle(adapter) : shortId(kind.value.adapter)}`;
  }
  return shortId(job.name);
}

function Face({ job }: { job: Job }) {
  const picture = job.pictures[0];
  if (picture) return <Thumb picture={picture} alt="" side={64} />;
  const evaluated = job.spec?.kind.case === "evaluate" ? job.spec.kind.value.adapter : "";
  const adapter = adapterNamed(job.adapter || evaluated);
  if (adapter)
    return <Thumb picture={{ name: `${adapter.name}/reference`, blob: adapter.reference }} alt="" side={64} />;
  return null;
}

export function JobTable({ jobs }: { jobs: Job[] }) {
  return (
    <table class="jobs-table">
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">State</th>
          <th scope="col">Progress</th>
          <th scope="col">Created</th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <tr key={job.name}>
            <td>
              <div class="what">
                <Face job={job} />
                <a href={`/jobs/${idOf(job.name)}`}>{jobTitle(job)}</a>
              </div>
            </td>
            <td>
              <StateChip job={job} />
            </td>
            <td style={{ minWidth: "130px" }}>
              <Standing job={job} />
            </td>
            <td class="muted">{ago(job.createTime)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
