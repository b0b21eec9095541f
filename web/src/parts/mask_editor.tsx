// Paints the part of a picture that is drawn anew, with a pointer or with the keyboard.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { pictureUrl } from "../api/pictures";
import { setMask } from "../state/mask";
import { type Brush, clear, isPainted, maskPicture, type Point, stroke } from "./brush";
import { Dialog } from "./dialogs";
import type { Shown } from "./picture";
import { Slider } from "./slider";

/** Pixels of the mask's longer side: enough for a smooth edge. */
const side = 512;
const sizes = { min: 2, max: 50 }; // of the brush, in percent of the longer side
const presetSize = 15;

function sizeOf(picture: Shown): { width: number; height: number } {
  const { width = 1, height = 1 } = picture;
  const scale = side / Math.max(width || 1, height || 1);
  return { width: Math.round((width || 1) * scale), height: Math.round((height || 1) * scale) };
}

export function MaskEditor({ picture, onClose }: { picture: Shown; onClose: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = sizeOf(picture);
  const percent = useSignal("");
  const erases = useSignal(false);
  const at = useSignal<Point>({ x: width / 2, y: height / 2 });
  const problem = useSignal("");
  const diameter = (side * Number(percent.value || presetSize)) / 100;

  const paint = (from: Point, to: Point) => {
    const brush: Brush = { size: diameter, erases: erases.value };
    stroke(canvas.current!, brush, from, to);
    problem.value = "";
  };
  const pointOf = (event: PointerEvent): Point => {
    const box = canvas.current!.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    return { x, y: ((event.clientY - box.top) / box.height) * height };
  };
  const down = (event: PointerEvent) => {
    canvas.current!.setPointerCapture(event.pointerId);
    at.value = pointOf(event);
    paint(at.value, at.value);
  };
  const move = (event: PointerEvent) => {
    const to = pointOf(event);
    if (event.buttons) paint(at.value, to);
    at.value = to;
  };
  const key = (event: KeyboardEvent) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === " ") paint(at.value, at.value);
    else if (way) {
      const step = diameter / 2;
      const to = {
        x: Math.max(0, Math.min(width, at.value.x + way[0] * step)),
        y: Math.max(0, Math.min(height, at.value.y + way[1] * step)),
      };
      if (event.shiftKey) paint(at.value, to);
      at.value = to;
    } else return;
    event.preventDefault();
  };
  const save = async (close: () => void) => {
    if (!isPainted(canvas.current!)) {
      problem.value = "nothing is painted";
      return;
    }
    setMask(picture.name, await maskPicture(canvas.current!));
    close();
  };
  return (
    <Dialog title="Draw only a part anew" onClose={onClose}>
      {(close) => (
        <>
          <p class="muted small" id="mask-how">
            Paint the part. With the keyboard: the arrow keys move the brush, Space paints, Shift and an arrow key paint
            a line.
          </p>
          <div class="mask-canvas" style={{ aspectRatio: `${width} / ${height}` }}>
            <img src={pictureUrl(picture.name, picture.blob)} alt="" />
            <canvas
              ref={canvas}
              width={width}
              height={height}
              tabIndex={0}
              data-first
              role="application"
              aria-label="The picture"
              aria-describedby={problem.value ? "mask-how mask-problem" : "mask-how"}
              onPointerDown={down}
              onPointerMove={move}
              onKeyDown={key}
            />
            <span
              class="brush"
              aria-hidden="true"
              style={{
                left: `${(at.value.x / width) * 100}%`,
                top: `${(at.value.y / height) * 100}%`,
                width: `${(diameter / width) * 100}%`,
              }}
            />
          </div>
          {problem.value && (
            <span class="problem" id="mask-problem" role="alert">
              {problem.value}
            </span>
          )}
          <Slider
            label="Size of the brush"
            id="brush_size"
            value={percent.value}
            preset={presetSize}
            limit={sizes}
            step={1}
            onInput={(value) => (percent.value = value)}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={erases.value}
              onChange={(event) => (erases.value = event.currentTarget.checked)}
            />
            Erase
          </label>
          <div class="row">
            <button type="button" class="button main" onClick={() => void save(close)}>
              Use this part
            </button>
            <button type="button" class="button" onClick={() => clear(canvas.current!)}>
              Clear
            </button>
            <button type="button" class="button" onClick={close}>
              Cancel
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}
