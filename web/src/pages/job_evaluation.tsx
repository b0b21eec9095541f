// The job of an evaluation: what it draws and measures. Its result is the report of the adapter.
import { type EvaluateSpec, type Job, JobState } from "../gen/vico/v1/job_pb";
import { idOf, plural } from "../text";

export function Evaluation({ job, spec }: { job: Job; spec: EvaluateSpec }) {
  const each = plural(spec.pictureCount ?? 1, "picture");
  return (
    <section class="card stack tight">
      <h2>What it draws</h2>
      <p class="muted">{each} of each prompt, with the adapter and with the base model alone.</p>
      <ul>
        {spec.prompts.map((prompt) => (
          <li key={prompt}>{prompt}</li>
        ))}
      </ul>
      {job.state === JobState.SUCCEEDED && (
        <p>
          <a href={`/adapters/${idOf(spec.adapter)}/report`}>The report</a> shows what it has measured.
        </p>
      )}
    </section>
  );
}
