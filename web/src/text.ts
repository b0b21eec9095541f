// Numbers and times as people read them.
import { type Duration, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { JobState } from "./gen/vico/v1/job_pb";

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

export function duration(seconds: number): string {
  if (seconds < 1) return "less than a second";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60 ? `${whole % 60} s` : ""}`.trim();
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export const seconds = (value: Duration | undefined): number =>
  Number(value?.seconds ?? 0n) + (value?.nanos ?? 0) / 1e9;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function ago(time: Timestamp | undefined): string {
  if (!time) return "";
  const past = (Date.now() - timestampDate(time).getTime()) / 1000;
  if (past < 45) return "just now";
  if (past < 3600) return relative.format(-Math.max(1, Math.round(past / 60)), "minute");
  if (past < 86_400) return relative.format(-Math.round(past / 3600), "hour");
  return relative.format(-Math.round(past / 86_400), "day");
}

export const when = (time: Timestamp | undefined): string =>
  time ? timestampDate(time).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" }) : "";

export function bytes(count: number | bigint): string {
  const size = Number(count);
  if (size < 1e3) return `${size} B`;
  if (size < 1e6) return `${(size / 1e3).toFixed(0)} kB`;
  return size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(2)} GB`;
}

/** At most `digits` significant digits, without an exponent where a person would write none. */
export const number = (value: number, digits = 3): string =>
  value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));

export const idOf = (name: string): string => name.slice(name.indexOf("/") + 1);

export const shortId = (name: string): string => idOf(name).slice(0, 8);

/** What a person calls a concept or an adapter. */
export const titleOf = (thing: { displayName: string; name: string }): string =>
  thing.displayName || `Unnamed ${shortId(thing.name)}`;

export const adapterTitle = (adapter: { displayName: string; name: string; initWord: string }): string =>
  adapter.displayName || `${adapter.initWord} ${shortId(adapter.name)}`;

export const stateWord: Record<JobState, string> = {
  [JobState.UNSPECIFIED]: "unknown",
  [JobState.QUEUED]: "queued",
  [JobState.RUNNING]: "running",
  [JobState.SUCCEEDED]: "finished",
  [JobState.FAILED]: "failed",
  [JobState.CANCELLED]: "cancelled",
};

/** A text of the server for people: its "pictures[0]" is "picture 1". */
export const forPeople = (text: string): string =>
  text.replace(/(?:header\.)?pictures\[(\d+)\]/g, (_, index) => `picture ${Number(index) + 1}`);

/** The prompt for the base model alone: "a photo of a S*" with robot is "a photo of a robot". */
export function withClassWord(prompt: string, placeholder: string, word: string): string {
  const article = /^[aeiou]/i.test(word) ? "an" : "a";
  return prompt.replaceAll(`a ${placeholder}`, placeholder).replaceAll(placeholder, `${article} ${word}`);
}
