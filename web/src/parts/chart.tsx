// The loss over the steps: each step faint, its moving average bold. uPlot draws it; a table says it to screen readers.
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { movingAverage } from "../state/history";
import { systemDark, theme } from "../state/theme";
import { number } from "../text";

interface ChartProps {
  steps: number[];
  losses: number[];
  total: number;
  /** The losses are means already: there is one curve. */
  smoothed?: boolean;
}

/** Steps of the moving average: 1/15 of those that are there, 5..40. */
export const averageWidth = (count: number): number => Math.max(5, Math.min(40, Math.round(count / 15)));

export function LossChart({ steps, losses, total, smoothed = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const width = smoothed ? 1 : averageWidth(losses.length);
  const smooth = movingAverage(losses, width);
  const data: [number[], number[], number[]] = [steps, losses, smooth];
  const newest = useRef(data);
  newest.current = data;
  const colours = `${theme.value} ${systemDark.value}`;

  useEffect(() => {
    const at = place.current!;
    let gone = false;
    let watcher: ResizeObserver | undefined;
    void Promise.all([import("uplot"), import("./chart.css")]).then(([{ default: Plot }]) => {
      if (gone) return;
      plot.current = new Plot(options(at, total), newest.current, at);
      watcher = new ResizeObserver(() => plot.current?.setSize({ width: at.clientWidth, height: height(at) }));
      watcher.observe(at);
    });
    return () => {
      gone = true;
      watcher?.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [total, colours]);
  useEffect(() => plot.current?.setData(data), [steps, losses]);

  const last = smooth.at(-1);
  const summary =
    last === undefined
      ? "No steps yet."
      : `Loss by step. ${smoothed ? "Smoothed, it" : `The mean of ${width} steps`} is ${number(last)} at step ${steps.at(-1)}, from ${number(
          smooth[Math.min(width, smooth.length) - 1],
        )} at first.`;
  return (
    <figure style={{ margin: 0 }}>
      <div class="chart" ref={place} role="img" aria-label={summary} />
      <figcaption class="row small muted">
        {!smoothed && <span class="key faint">each step</span>}
        <span class="key bold">{smoothed ? "smoothed" : `mean of ${width} steps`}</span>
      </figcaption>
    </figure>
  );
}

const height = (at: HTMLElement): number => (at.clientWidth < 500 ? 180 : 200);

function options(at: HTMLElement, total: number): uPlot.Options {
  const style = getComputedStyle(at);
  const colour = (name: string) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    at.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: at.clientWidth,
    height: height(at),
    scales: { x: { time: false, range: (_, min) => [Math.min(min ?? 0, 0), Math.max(total, 1)] } },
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    series: [
      {},
      { stroke: colour("--line-strong"), width: 1, alpha: 0.6, points: { show: false } },
      { stroke: colour("--accent"), width: 2.5, points: { show: false } },
    ],
    axes: [
      { ...axis, size: 32, values: (_, ticks) => ticks.map((tick) => String(tick)) },
      { ...axis, size: 56 },
    ],
  };
}
