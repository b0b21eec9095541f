// What the page makes of forms, specs and events, without a browser: with_node state_test.mjs. The packages and the
// messages are those of the bundle's test.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";

const web = new URL("../../web/", import.meta.url).pathname;
const { createServer } = await import(createRequire(web).resolve("vite"));

// What modules look at when they are loaded.
const listeners = { addEventListener() {}, removeEventListener() {} };
Object.assign(globalThis, {
  location: { origin: "http://studio.test", pathname: "/", search: "", hash: "" },
  localStorage: { getItem: () => null, setItem() {} },
  matchMedia: () => ({ matches: false, ...listeners }),
  document: { documentElement: { dataset: {} }, ...listeners },
  ...listeners,
});

const vite = await createServer({
  root: web,
  configFile: `${web}vite.config.ts`,
  server: { middlewareMode: true, watch: null, hmr: false, ws: false },
  optimizeDeps: { noDiscovery: true },
  appType: "custom",
  logLevel: "error",
});
after(() => vite.close());

let state, jobs, prompts, evaluation, gallery, messages, create, labels;
before(async () => {
  const load = (path) => vite.ssrLoadModule(`/src/${path}`);
  state = await load("state/draft.ts");
  jobs = await load("state/jobs.ts");
  prompts = await load("state/prompts.ts");
  evaluation = await load("parts/evaluate_form.tsx");
  gallery = await load("pages/gallery.tsx");
  messages = await load("gen/vico/v1/job_pb.ts");
  labels = await load("text.ts");
  ({ create } = await vite.ssrLoadModule("@bufbuild/protobuf"));
});

const form = (changes) => ({ ...state.emptyDraft, ...changes });
const generation = (spec, changes = {}) =>
  create(messages.JobSchema, {
    name: "jobs/1",
    kind: messages.JobKind.GENERATION,
    state: messages.JobState.SUCCEEDED,
    spec: { kind: { case: "generate", value: spec } },
    ...changes,
  });

test("one prompt is `prompt`, several are `prompts`, and empty lines are none", () => {
  const one = state.readDraft(form({ prompts: "\n  a robot \n" }));
  assert.deepEqual([one.spec.prompt, one.spec.prompts, one.problems], ["a robot", [], []]);
  const two = state.readDraft(form({ prompts: "a\n\nb" }));
  assert.deepEqual([two.spec.prompt, two.spec.prompts], ["", ["a", "b"]]);
  const none = state.readDraft(form({}));
  assert.deepEqual(
    none.problems.map((one) => one.field),
    ["generate.prompt"],
  );
});

test("strength needs an adapter, denoise a start picture, and neither is sent before somebody sets it", () => {
  const moved = { prompts: "a", strength: "0.5", denoise: "0.3" };
  const bare = state.readDraft(form(moved)).spec;
  assert.deepEqual([bare.strength, bare.denoise], [undefined, undefined]);
  const full = state.readDraft(form({ ...moved, adapter: "adapters/1", initPicture: "jobs/1/pictures/0" })).spec;
  assert.deepEqual([full.strength, full.denoise, full.initPicture], [0.5, 0.3, "jobs/1/pictures/0"]);
  const still = state.readDraft(form({ prompts: "a", adapter: "adapters/1", initPicture: "jobs/1/pictures/0" })).spec;
  assert.deepEqual([still.strength, still.denoise], [undefined, undefined]);
});

test("every wrong number is said at its field", () => {
  const wrong = form({ prompts: "a", pictureCount: "x", steps: "1.5", guidanceScale: "much", seed: "-1" });
  assert.deepEqual(
    state
      .readDraft(wrong)
      .problems.map((one) => one.field)
      .sort(),
    ["generate.guidance_scale", "generate.picture_count", "generate.seeds", "generate.steps"],
  );
});

test("picture i is of prompt i / picture_count, and all prompts have the same seeds", () => {
  const spec = create(messages.GenerateSpecSchema, { prompts: ["a", "b"], pictureCount: 3, seeds: [7n] });
  assert.deepEqual(
    [0, 2, 3, 5].map((index) => prompts.promptAt(spec, index)),
    ["a", "a", "b", "b"],
  );
  assert.deepEqual(
    [0, 2, 3, 5].map((index) => prompts.seedAt(spec, index)),
    [7n, 9n, 7n, 9n],
  );
  assert.equal(prompts.promptLine(spec), "a, and 1 other prompt");
  const single = create(messages.GenerateSpecSchema, { prompt: "c", seeds: [4n, 9n], pictureCount: 2 });
  assert.deepEqual([prompts.promptAt(single, 1), prompts.seedAt(single, 1)], ["c", 9n]);
});

test("the rows of the gallery are by prompt and adapter, also within a job", () => {
  const picture = (index) => ({ index, seed: BigInt(7 + (index % 2)), name: `jobs/1/pictures/${index}` });
  const spec = { adapter: "adapters/1", prompts: ["a", "b"], pictureCount: 2, seeds: [7n] };
  const both = generation(spec, { pictures: [0, 1, 2, 3].map(picture) });
  const forming = generation(
    { adapter: "adapters/1", prompt: "b", pictureCount: 1, seeds: [3n] },
    { name: "jobs/2", state: messages.JobState.RUNNING },
  );
  const other = generation({ prompt: "b" }, { name: "jobs/3", state: messages.JobState.FAILED });
  const rows = gallery.rowsOf([forming, both, other]);
  assert.deepEqual(
    rows.map((row) => [row.prompt, row.adapter, row.tiles.length, row.failed.length]),
    [
      ["b", "adapters/1", 3, 0],
      ["a", "adapters/1", 2, 0],
      ["b", "", 0, 1],
    ],
  );
  assert.deepEqual(
    rows[0].tiles.map((tile) => [tile.job.name, tile.index, tile.seed]),
    [
      ["jobs/2", 0, 3n],
      ["jobs/1", 2, 7n],
      ["jobs/1", 3, 8n],
    ],
  );
  const twice = generation({ prompts: ["a", "a"], pictureCount: 1 }, { pictures: [picture(0), picture(1)] });
  assert.deepEqual(
    gallery.rowsOf([twice]).map((row) => row.tiles.length),
    [2],
  );
});

test("settings of a picture are those of its own prompt, and what was typed stays", () => {
  const spec = create(messages.GenerateSpecSchema, {
    adapter: "adapters/1",
    prompts: ["a", "b"],
    pictureCount: 2,
    strength: 0.5,
    initPicture: "jobs/0/pictures/0",
    denoise: 0.4,
  });
  const settings = state.draftOf(spec, { index: 2, seed: 9n });
  assert.deepEqual([settings.prompts, settings.seed, settings.strength, settings.denoise], ["b", "9", "0.5", "0.4"]);
  const now = form({ prompts: "my own", strength: "1.5" });
  const { draft, kept } = state.takeSettings(now, new Set(["prompts", "strength"]), settings, false);
  assert.deepEqual([draft.prompts, draft.strength, draft.initPicture], ["my own", "1.5", "jobs/0/pictures/0"]);
  assert.deepEqual(kept.sort(), ["prompt", "strength"]);
});

test("a training that succeeds has an adapter, and an evaluation keeps none", () => {
  const event = create(messages.EventSchema, {
    sequence: 5n,
    what: { case: "succeeded", value: { adapter: "adapters/1" } },
  });
  const of = (kind) => create(messages.JobSchema, { kind, state: messages.JobState.RUNNING });
  assert.equal(jobs.applyEvent(of(messages.JobKind.TRAINING), event).adapter, "adapters/1");
  const evaluated = jobs.applyEvent(of(messages.JobKind.EVALUATION), event);
  assert.deepEqual([evaluated.adapter, evaluated.state], ["", messages.JobState.SUCCEEDED]);
});

test("an evaluation takes the defaults for what is empty", () => {
  const empty = evaluation.readEvaluation("adapters/1", { prompts: "", pictureCount: "", seed: "" });
  assert.deepEqual(
    [empty.spec.prompts, empty.spec.pictureCount, empty.spec.seed, empty.problems],
    [[], undefined, undefined, []],
  );
  const wrong = evaluation.readEvaluation("adapters/1", { prompts: "a\nb", pictureCount: "2.5", seed: "x" });
  assert.deepEqual(
    wrong.problems.map((one) => one.field),
    ["evaluate.picture_count", "evaluate.seed"],
  );
});

test("the prompt for the base model alone has the class in place of the learned word", () => {
  assert.equal(labels.withClassWord("a photo of a S* here", "S*", "robot"), "a photo of a robot here");
  assert.equal(labels.withClassWord("S* at sea", "S*", "owl"), "an owl at sea");
});
