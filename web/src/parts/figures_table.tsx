// The figures of a report: of the base model alone and of the adapter, each with a bar.
import type { AdapterReport_Figure } from "../gen/vico/v1/adapter_pb";
import { number } from "../text";

/** What a figure says, for people. */
const titles: Record<string, [string, string]> = {
  clip_i: ["CLIP-I", "likeness to your pictures"],
  dino: ["DINO", "likeness to your thing, apart from others of its kind"],
  clip_t: ["CLIP-T", "follows the prompt"],
  concept_fidelity: ["Concept fidelity", "shows your thing"],
  prompt_fidelity: ["Prompt fidelity", "shows what was asked for"],
  nearest_picture: ["Nearest picture", "largest likeness to one of your pictures; 1 is a copy"],
};

const titleOf = (figure: AdapterReport_Figure): string => titles[figure.name]?.[0] ?? figure.name;

/** Why a figure has no number for a prompt. */
const reasonOf = (figure: AdapterReport_Figure): string =>
  figure.name === "prompt_fidelity"
    ? "the prompt names no scene that the scorer knows"
    : "the figure says nothing of this prompt";

/** In place of a number that was not measured. */
function Missing({ reason }: { reason: string }) {
  return (
    <span class="muted" title={reason}>
      <span aria-hidden="true">–</span>
      <span class="hidden-text">not measured: {reason}</span>
    </span>
  );
}

interface BarProps {
  of: AdapterReport_Figure;
  kind: "before" | "after";
}

/** A number with a bar from 0 to 1. */
function Bar({ of, kind }: BarProps) {
  const value = of[kind];
  if (!Number.isFinite(value)) return <span class="muted small">– not measured</span>;
  const share = Math.max(0, Math.min(1, value));
  return (
    <span class="figure-bar">
      <span class="number">{number(value)}</span>
      <span class={`track ${kind}`} aria-hidden="true">
        <span style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}

export function FiguresTable({ figures }: { figures: AdapterReport_Figure[] }) {
  return (
    <table class="figures-table">
      <thead>
        <tr>
          <th scope="col">Figure</th>
          <th scope="col">Base model alone</th>
          <th scope="col">With the adapter</th>
          <th scope="col">Measured with</th>
        </tr>
      </thead>
      <tbody>
        {figures.map((figure) => (
          <tr key={`${figure.name} ${figure.measuredWith}`}>
            <th scope="row">
              {titleOf(figure)}
              <span class="muted small">{titles[figure.name]?.[1]}</span>
            </th>
            <td data-label="Base model alone">
              <Bar of={figure} kind="before" />
            </td>
            <td data-label="With the adapter">
              <Bar of={figure} kind="after" />
            </td>
            <td class="muted small">{figure.measuredWith}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Each figure of the adapter's pictures, by prompt. */
export function PromptsTable({ prompts, figures }: { prompts: string[]; figures: AdapterReport_Figure[] }) {
  const split = figures.filter((figure) => figure.afterByPrompt.length === prompts.length);
  const isMissing = (figure: AdapterReport_Figure) => figure.afterByPrompt.some((value) => !Number.isFinite(value));
  return (
    <div class="scrolling" tabIndex={0} role="region" aria-label="Figures by prompt">
      <table class="figures-table plain">
        <thead>
          <tr>
            <th scope="col">Prompt</th>
            {split.map((figure) => (
              <th scope="col" key={figure.name}>
                {titleOf(figure)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {prompts.map((prompt, index) => (
            <tr key={prompt}>
              <th scope="row">{prompt}</th>
              {split.map((figure) => (
                <td class="number" key={figure.name}>
                  {Number.isFinite(figure.afterByPrompt[index]) ? (
                    number(figure.afterByPrompt[index])
                  ) : (
                    <Missing reason={reasonOf(figure)} />
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {split.filter(isMissing).map((figure) => (
        <p class="muted small" key={figure.name}>
          – {titleOf(figure)} was not measured: {reasonOf(figure)}.
        </p>
      ))}
    </div>
  );
}
