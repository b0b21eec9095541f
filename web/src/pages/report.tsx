// The report of an adapter: what an evaluation has measured, and how to get one.
import { Code } from "@connectrpc/connect";
import { useEffect } from "preact/hooks";
import { adapterService } from "../api/clients";
import { toCallError } from "../api/errors";
import type { Adapter, AdapterReport } from "../gen/vico/v1/adapter_pb";
import { type Job, JobKind, JobState } from "../gen/vico/v1/job_pb";
import { LossChart } from "../parts/chart";
import { Await, Empty, Head } from "../parts/elements";
import { EvaluateForm } from "../parts/evaluate_form";
import { FiguresTable, PromptsTable } from "../parts/figures_table";
import { StateChip, Standing } from "../parts/job_table";
import { Sheet } from "../parts/sheet";
import { useModels } from "../state/catalog";
import { isFinished, jobs, newestFirst } from "../state/jobs";
import { useLoaded } from "../state/loaded";
import { adapterTitle, forPeople, idOf, number, plural, when } from "../text";

/** The report; null before an evaluation has succeeded. */
async function reportOf(name: string): Promise<AdapterReport | null> {
  try {
    return await adapterService.getAdapterReport({ name });
  } catch (thrown) {
    const error = toCallError(thrown);
    if (error.code === Code.NotFound && error.reason === "NO_REPORT") return null;
    throw error;
  }
}

/** The evaluations of the adapter, the newest first. */
const evaluationsOf = (name: string): Job[] =>
  newestFirst(jobs.value.values()).filter(
    (job) =>
      job.kind === JobKind.EVALUATION && job.spec?.kind.case === "evaluate" && job.spec.kind.value.adapter === name,
  );

export function ReportPage({ name }: { name: string }) {
  const adapter = useLoaded(() => adapterService.getAdapter({ name }), name);
  const report = useLoaded(() => reportOf(name), name);
  useModels();
  const evaluations = evaluationsOf(name);
  const succeeded = evaluations.filter((job) => job.state === JobState.SUCCEEDED).length;
  useEffect(() => {
    if (report.peek().value !== undefined) void report.reload();
  }, [succeeded]);
  return (
    <Await of={adapter.value}>
      {(one) => <Await of={report.value}>{(found) => <View of={one} report={found} newest={evaluations[0]} />}</Await>}
    </Await>
  );
}

interface ViewProps {
  of: Adapter;
  report: AdapterReport | null;
  newest: Job | undefined;
}

function View({ of, report, newest }: ViewProps) {
  const running = newest && !isFinished(newest);
  return (
    <>
      <Head
        title={`Report: ${adapterTitle(of)}`}
        crumb={<a href={`/adapters/${idOf(of.name)}`}>{adapterTitle(of)}</a>}
        lead={report ? measured(report) : "How well the adapter shows your thing, and follows prompts."}
      >
        <a class="button" href={`/gallery?adapter=${idOf(of.name)}`}>
          Draw with it
        </a>
      </Head>
      {newest && newest.state !== JobState.SUCCEEDED && <Newest job={newest} />}
      {report ? (
        <Report of={of} report={report} />
      ) : (
        !running && (
          <Empty
            title="Not evaluated yet"
            text="An evaluation draws a few prompts with the adapter and with the base model alone, and compares the pictures with yours."
          >
            {!of.job && <p>An imported adapter has no pictures to compare with.</p>}
          </Empty>
        )
      )}
      {of.job && !running && (
        <section>
          <EvaluateForm adapter={of} again={!!report} />
        </section>
      )}
    </>
  );
}

function measured(report: AdapterReport): string {
  const pictures = `${plural(report.prompts.length, "prompt")}, ${plural(report.seeds.length, "picture")} of each`;
  return `Measured ${when(report.createTime)}: ${pictures}.`;
}

/** The evaluation that goes on, or the reason why the last one has no report. */
function Newest({ job }: { job: Job }) {
  return (
    <section class="card stack tight" aria-label="The newest evaluation">
      <div class="row spread">
        <span role="status">
          <StateChip job={job} />
        </span>
        <a href={`/jobs/${idOf(job.name)}`}>The evaluation</a>
      </div>
      <Standing job={job} />
      {job.error && <p class="note bad">{forPeople(job.error.message)}</p>}
    </section>
  );
}

/** Steps of the adapter that its training continued: their losses are not its own. */
function stepsBefore(of: Adapter): number {
  const kind = jobs.value.get(of.job)?.spec?.kind;
  return kind?.case === "train" ? kind.value.continuedSteps : 0;
}

function Report({ of, report }: { of: Adapter; report: AdapterReport }) {
  const { losses } = report;
  const steps = Number(of.summary?.steps ?? losses.length);
  const first = stepsBefore(of);
  const at = losses.map((_, index) => first + Math.round(((index + 1) * (steps - first)) / losses.length));
  return (
    <>
      <section class="card">
        <h2>Before and after</h2>
        {report.figures.length ? (
          <FiguresTable figures={report.figures} />
        ) : (
          <p class="muted">The worker has no network to measure with. Its operator can give it one.</p>
        )}
      </section>
      <div class="two">
        <section class="card">
          <h2>Loss</h2>
          {losses.length ? (
            <LossChart steps={at} losses={losses} total={steps} smoothed />
          ) : (
            <p class="muted">The training has left no losses.</p>
          )}
        </section>
        <section class="card">
          <h2>Masks</h2>
          <dl class="figures">
            <div>
              <dt>Cover of the pictures</dt>
              <dd>{Math.round(report.maskCoverage * 100)} %</dd>
            </div>
            <div>
              <dt>Agree over the timesteps</dt>
              <dd>{number(report.maskStability, 2)}</dd>
            </div>
          </dl>
          <p class="muted small" style={{ marginTop: "12px" }}>
            Intersection over union, 0 to 1. Masks that agree have found the thing.
          </p>
        </section>
      </div>
      {report.sheet && (
        <section>
          <h2>Contact sheet</h2>
          <Sheet name={`${of.name}/report`} blob={report.sheet} prompts={report.prompts} />
        </section>
      )}
      {report.figures.some((figure) => figure.afterByPrompt.length > 1) && (
        <section class="card">
          <h2>By prompt</h2>
          <PromptsTable prompts={report.prompts} figures={report.figures} />
        </section>
      )}
    </>
  );
}
