// What a job was asked to do, in rows.
import type { EvaluateSpec, GenerateSpec, Job, TrainSpec } from "../gen/vico/v1/job_pb";
import type { History } from "../state/history";
import { promptsOf } from "../state/prompts";
import { startPictureTitle } from "../state/start_picture";
import { idOf, number, plural, shortId, when } from "../text";

export function Details({ job, history }: { job: Job; history: History }) {
  const kind = job.spec?.kind;
  const facts: [string, string][] = [["Created", when(job.createTime)]];
  if (history.worker) facts.push(["Worker", `${history.worker} (${history.device})`]);
  if (history.progress?.secondsPerStep) facts.push(["Time of a step", duration3(history.progress.secondsPerStep)]);
  if (kind?.case === "train") facts.push(...trainingOf(kind.value));
  else if (kind?.case === "generate") facts.push(...settingsOf(kind.value));
  else if (kind?.case === "evaluate") facts.push(...evaluationOf(kind.value));
  return (
    <section>
      <details class="more card">
        <summary>Details</summary>
        <dl class="facts">
          {facts.map(([term, text]) => (
            <>
              <dt>{term}</dt>
              <dd>{text}</dd>
            </>
          ))}
          <dt>Name</dt>
          <dd>
            <code>{job.name}</code>
          </dd>
          {kind?.case === "train" && kind.value.continuedAdapter && (
            <>
              <dt>Continues</dt>
              <dd>
                <a href={`/${kind.value.continuedAdapter}`}>{shortId(kind.value.continuedAdapter)}</a>, after{" "}
                {plural(kind.value.continuedSteps, "step")}
              </dd>
            </>
          )}
          {kind?.case === "train" && (
            <>
              <dt>Concept</dt>
              <dd>
                <a href={`/${kind.value.conceptName}`}>{idOf(kind.value.conceptName)}</a>
              </dd>
            </>
          )}
        </dl>
      </details>
    </section>
  );
}

const duration3 = (value: number): string => (value < 1 ? `${Math.round(value * 1000)} ms` : `${number(value)} s`);

type Facts = [string, string][];

/** Those that are there. */
const said = (all: [string, string | undefined][]): Facts =>
  all.filter((entry): entry is [string, string] => !!entry[1]);

const text = (value: number | undefined): string | undefined => (value === undefined ? undefined : number(value));

function trainingOf(spec: TrainSpec): Facts {
  const rates = [spec.embeddingLearningRate, spec.attentionLearningRate].map((rate) => number(rate ?? 0));
  return said([
    ["Base model", idOf(spec.baseModel)],
    ["Word", `${spec.initWord}, written ${spec.placeholder}`],
    ["Steps", spec.steps?.toString()],
    ["Rows of a step", spec.batchSize?.toString()],
    ["Learning rates", rates.join(", ")],
    ["Seed", spec.seed?.toString()],
    ["Afterwards", spec.evaluate ? "an evaluation" : undefined],
  ]);
}

const evaluationOf = (spec: EvaluateSpec): Facts =>
  said([
    ["Prompts", spec.prompts.join(" · ")],
    ["Pictures of each", spec.pictureCount?.toString()],
    ["First seed", spec.seed?.toString()],
  ]);

export const settingsOf = (spec: GenerateSpec): Facts =>
  said([
    [spec.prompts.length > 1 ? "Prompts" : "Prompt", promptsOf(spec).join(" · ")],
    ["Without", spec.negativePrompt],
    ["Steps", spec.steps?.toString()],
    ["Guidance", text(spec.guidanceScale)],
    ["Scheduler", spec.scheduler],
    ["Size", spec.width ? `${spec.width} × ${spec.height}` : undefined],
    ["Strength", spec.adapter ? text(spec.strength) : undefined],
    ["Starts from", spec.initPicture ? startPictureTitle(spec.initPicture) : undefined],
    ["Drawn anew", spec.initPicture ? `${text(spec.denoise)}${spec.maskPicture ? ", only a part" : ""}` : undefined],
  ]);
