// What a person says about pictures, kept as labels of their job.
import type { Job, Picture } from "../gen/vico/v1/job_pb";
import { jobService } from "../api/clients";
import { putJob } from "./jobs";

const ratingKey = (index: number): string => `rating-${index}`;

/** On a job that the studio made to compare with: the id of the job that it is the bare twin of. */
export const twinKey = "bare-twin-of";

/** 1..5; 0: none. */
export const ratingOf = (job: Job, index: number): number => Number(job.labels[ratingKey(index)] ?? 0);

export const isTwin = (job: Job): boolean => twinKey in job.labels;

/** The labels that a person wrote. */
export const tagsOf = (job: Job): string[] =>
  Object.keys(job.labels)
    .filter((key) => key !== twinKey && !key.startsWith("rating-"))
    .sort();

/** Sets one label; undefined removes it. */
export async function setLabel(job: Job, key: string, value: string | undefined): Promise<void> {
  const labels = value === undefined ? {} : { [key]: value };
  putJob(await jobService.updateJob({ job: { name: job.name, labels }, updateMask: { paths: [`labels.${key}`] } }));
}

export const rate = (job: Job, picture: Picture, stars: number): Promise<void> =>
  setLabel(job, ratingKey(picture.index), stars ? String(stars) : undefined);
