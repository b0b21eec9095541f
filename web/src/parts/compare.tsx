// Two pictures of the same prompt and seed under one slider.
import { useEffect, useState } from "preact/hooks";
import { pictureUrl } from "../api/pictures";
import type { Shown } from "./picture";

interface CompareProps {
  first: Shown;
  firstLabel: string;
  second: Shown;
  secondLabel: string;
}

export function Compare({ first, firstLabel, second, secondLabel }: CompareProps) {
  const [ready, setReady] = useState(false);
  useEffect(() => void import("img-comparison-slider").then(() => setReady(true)), []);
  const ratio = { "--ratio": `${second.width ?? 1} / ${second.height ?? 1}` };
  const label = `Compare: ${firstLabel} on the left, ${secondLabel} on the right. The arrow keys move the divider.`;
  return (
    <div class="compare" style={ratio} data-ready={ready}>
      <img-comparison-slider role="group" aria-label={label} tabIndex={0}>
        <img slot="first" src={pictureUrl(first.name, first.blob)} alt={firstLabel} />
        <img slot="second" src={pictureUrl(second.name, second.blob)} alt={secondLabel} />
      </img-comparison-slider>
      <span class="side first" aria-hidden="true">
        {firstLabel}
      </span>
      <span class="side second" aria-hidden="true">
        {secondLabel}
      </span>
    </div>
  );
}
