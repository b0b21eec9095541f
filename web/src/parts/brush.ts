// Painting on a canvas: round strokes, and the mask that they make.

export interface Point {
  x: number;
  y: number;
}

export interface Brush {
  size: number; // diameter in pixels of the canvas
  erases: boolean;
}

const penOf = (canvas: HTMLCanvasElement) => canvas.getContext("2d", { willReadFrequently: true })!;

export function stroke(canvas: HTMLCanvasElement, brush: Brush, from: Point, to: Point): void {
  const pen = penOf(canvas);
  pen.globalCompositeOperation = brush.erases ? "destination-out" : "source-over";
  pen.lineCap = "round";
  pen.lineWidth = brush.size;
  pen.strokeStyle = "#f0f"; // seen on every picture
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x, to.y);
  pen.stroke();
}

export function clear(canvas: HTMLCanvasElement): void {
  penOf(canvas).clearRect(0, 0, canvas.width, canvas.height);
}

/** Whether a pixel is painted. */
export function isPainted(canvas: HTMLCanvasElement): boolean {
  const { data } = penOf(canvas).getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] >= 128) return true;
  return false;
}

/** A PNG of the strokes: light on dark. */
export function maskPicture(canvas: HTMLCanvasElement): Promise<Blob> {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const pen = copy.getContext("2d")!;
  const fill = (colour: string, how: GlobalCompositeOperation) => {
    pen.globalCompositeOperation = how;
    pen.fillStyle = colour;
    pen.fillRect(0, 0, copy.width, copy.height);
  };
  pen.drawImage(canvas, 0, 0);
  fill("#fff", "source-in");
  fill("#000", "destination-over");
  return copy.convertToBlob({ type: "image/png" });
}
