// Custom elements and files that TypeScript does not know.
declare module "*.css";

declare namespace preact.JSX {
  interface IntrinsicElements {
    "img-comparison-slider": HTMLAttributes<HTMLElement>;
  }
}
