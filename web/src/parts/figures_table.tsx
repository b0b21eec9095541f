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

/** A number with a bar from 0 to 1. */
function Bar({ value, kind }: { value: number; kind: "before" | "after" }) {
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

/** A prompt that a scorer does not know has no figure. */
function Value({ of }: { of: number }) {
  if (Number.isFinite(of)) return <>{number(of)}</>;
  return <span class="muted">not measured</span>;
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
              <Bar value={figure.before} kind="before" />
            </td>
            <td data-label="With the adapter">
              <Bar value={figure.after} kind="after" />
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
                  <Value of={figure.afterByPrompt[index]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
